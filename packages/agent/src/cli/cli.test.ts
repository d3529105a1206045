import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredentials, writeCredentials } from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runHere } from './testing.ts'

// What scripts and people depend on. process.test.ts runs some of it as the real program.

const fingerprint = 'ab'.repeat(32)

let base: string
let home: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-cli-'))
  home = join(base, 'home')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)

async function init(): Promise<string> {
  const { code, out } = await spansync('init', '--name', 'laptop')
  expect(code).toBe(0)
  return /^id: ([0-9a-f]{64})$/m.exec(out)?.[1] ?? ''
}

const config = () => readFileSync(join(home, 'config.yaml'), 'utf8')

describe.each<[string, string[], number, RegExp]>([
  ['no command', [], 2, /^error: no command given$/m],
  ['no subcommand', ['peer'], 2, /^error: no command given\nremedy: see `spansync peer --help`$/m],
  ['unknown command', ['statsu'], 2, /^error: unknown command 'statsu'; did you mean `status`\?$/m],
  ['unknown option', ['id', '--jsn'], 2, /^error: unknown option '--jsn'; did you mean `--json`\?$/m],
  ['missing argument', ['folder', 'add', 'docs'], 2, /^remedy: see `spansync folder add --help`$/m],
  ['too many arguments', ['id', 'more'], 2, /^error: too many arguments/m],
  ['missing option', ['peer', 'add', 'nas'], 2, /^error: required option '--id <fingerprint>'/m],
  ['not initialised', ['id'], 2, /^remedy: run `spansync init` first/m],
  [
    'not running',
    ['status'],
    3,
    /^remedy: set this machine up with `spansync init`, then start it with `spansync run`/m,
  ],
  ['not running, for sync', ['sync', '--wait'], 3, /^error: spansync is not running/m],
  ['a bad time', ['sync', '--timeout', '60'], 2, /^error: `60` is not a time$/m],
  ['a bad name', ['init', '--name', '-x'], 2, /^error: `-x` cannot be a name$/m],
  ['a bad address', ['init', '--listen', 'nas'], 2, /^error: `nas` is not host:port$/m],
])('%s', (_name, args, code, message) => {
  test(`spansync ${args.join(' ')}`, async () => {
    const outcome = await spansync(...args)
    expect(outcome).toMatchObject({ code, out: '' })
    expect(outcome.err).toMatch(message)
    expect(outcome.err).toMatch(/^remedy: /m)
    expect(outcome.err).not.toMatch(/^ +at /m)
  })
})

test('help and version', async () => {
  const help = await spansync('--help')
  expect(help).toMatchObject({ code: 0, err: '' })
  const commands = [...help.out.matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'help')
  expect(commands.join(' ')).toContain(
    'init invite join remove rotate id folder peer coordinator run status sync why log pause resume mode conflicts versions approve revert doctor',
  )
  expect(help.out).not.toMatch(/stats/)
  const groups = ['folder', 'peer', 'coordinator', 'versions']
  for (const name of [
    'init',
    'id',
    'run',
    'status',
    'sync',
    'why',
    'pause',
    'resume',
    'mode',
    'conflicts',
    'doctor',
    'folder add',
    'peer add',
    'versions restore',
  ]) {
    expect((await spansync(...name.split(' '), '--help')).out, name).toContain('Example')
  }
  for (const name of groups) expect((await spansync('help', name)).out).toContain(`Usage: spansync ${name}`)
  expect((await spansync('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('init makes an identity once, and id prints it', async () => {
  const id = await init()
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect((await spansync('id')).out).toBe(`${id}\n`)
  expect(JSON.parse((await spansync('id', '--json')).out)).toEqual({ node: 'laptop', id, listen: '0.0.0.0:22070' })
  expect(statSync(home).mode & 0o777).toBe(0o700)
  expect(statSync(join(home, 'config.yaml')).mode & 0o777).toBe(0o600)
  const again = await spansync('init')
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
  expect((await spansync('id')).out).toBe(`${id}\n`)
})

test('--home wins over SPANSYNC_HOME, before and after the command', async () => {
  await spansync('--home', 'other', 'init', '--name', 'one', '--listen', '127.0.0.1:1')
  expect(existsSync(join(base, 'other', 'config.yaml'))).toBe(true)
  expect(JSON.parse((await spansync('id', '--json', '--home', 'other')).out)).toMatchObject({
    node: 'one',
    listen: '127.0.0.1:1',
  })
})

test('a configuration with problems: all of them, and exit code 2', async () => {
  await init()
  writeFileSync(join(home, 'config.yaml'), 'name: laptop\n\n\npeeers: {}\nmode: central\n')
  for (const args of [['mode', 'auto'], ['run'], ['folder', 'list']]) {
    const { code, err } = await spansync(...args)
    expect(code).toBe(2)
    expect(err).toContain('unknown key `peeers` (config.yaml:4:1); did you mean `peers`?')
    expect(err).toContain('`mode` must be one of auto, centralised, decentralised')
    expect(err).toContain(`remedy: correct ${home}/config.yaml`)
  }
})

test('peers: add, change, list, remove', async () => {
  const own = await init()
  const options = [
    '--id',
    fingerprint.toUpperCase(),
    '--price-per-gb',
    '5',
    '--throughput',
    '10mbit',
    '--latency',
    '20ms',
    '--data-cap',
    '5GB',
    '--metered',
  ]
  expect(await spansync('peer', 'add', 'nas', 'nas.lan:22070', ...options)).toMatchObject({ code: 0, err: '' })
  expect(await spansync('peer', 'add', 'phone', '--id', 'cd'.repeat(32))).toMatchObject({ code: 0 })
  expect(await spansync('peer', 'add', 'nas', '10.0.0.1:1', '--id', fingerprint)).toMatchObject({
    code: 0,
    out: /changed/,
  })
  expect(JSON.parse((await spansync('peer', 'list', '--json')).out)).toEqual([
    {
      node: 'nas',
      id: fingerprint,
      addresses: ['10.0.0.1:1'],
      pricePerGb: 5,
      throughputBps: 1_250_000,
      latencyMs: 20,
      dataCapBytes: 5_000_000_000,
      metered: true,
    },
    { node: 'phone', id: 'cd'.repeat(32), addresses: [], metered: false },
  ])
  const refused: [string[], string][] = [
    [['x', 'h:1', '--id', own], 'fingerprint of this machine'],
    [['x', 'h:1', '--id', 'abc'], 'this one has 3'],
    [['x', 'h:1', '--id', fingerprint], 'already the peer `nas`'],
    [['nas', 'h:1', '--id', 'ef'.repeat(32)], 'another fingerprint'],
    [['laptop', 'h:1', '--id', 'ef'.repeat(32)], 'name of this machine'],
    [['x', 'h', '--id', 'ef'.repeat(32)], 'not host:port'],
    [['x', '--id', 'ef'.repeat(32), '--throughput', 'fast'], 'not a rate'],
    [['x', '--id', 'ef'.repeat(32), '--price-per-gb', '-1'], 'not a price'],
    [['x', '--id', 'ef'.repeat(32), '--data-cap', 'much'], 'not a size'],
  ]
  const outcomes = await Promise.all(refused.map(([args]) => spansync('peer', 'add', ...args)))
  for (const [i, { code, err }] of outcomes.entries()) {
    expect(code).toBe(2)
    expect(err).toContain(refused[i]?.[1])
  }
  await spansync('folder', 'add', 'docs', 'docs', '--with', 'nas')
  expect(await spansync('peer', 'remove', 'nas')).toMatchObject({
    code: 0,
    out: /also from the folders that named it: docs/,
  })
  expect(JSON.parse((await spansync('folder', 'list', '--json')).out)).toMatchObject([{ with: [] }])
  expect(await spansync('peer', 'remove', 'fone')).toMatchObject({ code: 2, err: /did you mean `phone`/ })
})

test('credentials for the coordinator are looked at before they are taken', async () => {
  const id = (await init()) as NodeId
  const set = (file: string) => spansync('coordinator', 'set', 'tls://nas:22071', '--creds', file)
  expect(await set('none')).toMatchObject({ code: 1, err: /none/ })
  await writeCredentials(
    join(base, 'other'),
    createCredentials({ node: 'f'.repeat(64) as NodeId, name: 'x', server: null }),
  )
  expect(await set('other')).toMatchObject({ code: 1, err: /made for the node x.*\n.*nodes add/ })
  await writeCredentials(join(base, 'own'), createCredentials({ node: id, name: 'laptop', server: null }))
  expect(await set('own')).toMatchObject({ code: 0, out: 'coordinator: tls://nas:22071\n' })
  expect(config()).toContain(`creds: ${base}/own`)
})

test('mode and coordinator are kept in the configuration, with its comments', async () => {
  await init()
  expect((await spansync('mode')).out).toBe('auto\n')
  expect((await spansync('mode', 'decentralised')).out).toBe('decentralised\n')
  expect(JSON.parse((await spansync('mode', '--json')).out)).toEqual({ configured: 'decentralised' })
  expect(await spansync('mode', 'centralized')).toMatchObject({ code: 2, err: /did you mean `centralised`/ })
  expect(await spansync('coordinator', 'set', 'nas')).toMatchObject({ code: 2 })
  expect(await spansync('coordinator', 'set', 'tls://nas:22071')).toMatchObject({ code: 0, err: /nodes add/ })
  expect((await spansync('coordinator', 'unset')).out).toBe('coordinator: none\n')
  expect(config()).toContain('# auto: follow the coordinator')
})

test('centralised without a coordinator is warned of, for then nothing syncs', async () => {
  await init()
  const warning = /^warning: no coordinator is set: nothing syncs until there is one\nremedy: /
  expect(await spansync('mode', 'centralised')).toMatchObject({
    code: 0,
    out: 'centralised\n',
    err: expect.stringMatching(warning),
  })
  expect(await spansync('mode', '--json')).toMatchObject({ code: 0, err: expect.stringMatching(warning) })
  expect((await spansync('coordinator', 'set', 'tls://server.lan:22071')).err).not.toContain('warning')
  expect((await spansync('mode')).err).toBe('')
  expect((await spansync('coordinator', 'unset')).err).toMatch(warning)
  expect((await spansync('mode', 'auto')).err).toBe('')
})
