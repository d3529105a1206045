import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createCredentials, publicKeyOf, readCredentials } from '@spansync/common/adapters/nats/credentials'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findNatsServer } from '../nats/find-program.ts'
import { runCommandLine } from './program.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-c-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const id = '0123456789abcdef'.repeat(4)

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const sink = (into: string[]): NodeJS.WriteStream =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        into.push(chunk.toString())
        done()
      },
    }) as unknown as NodeJS.WriteStream
  const env = { SPANSYNC_COORDINATOR_HOME: join(base, 'home') }
  const code = await runCommandLine(args, { env, cwd: base, stdout: sink(out), stderr: sink(err) })
  return { code, out: out.join(''), err: err.join('') }
}

test('init makes a configuration, keys that only their owner can read, and nothing twice', async () => {
  expect(await run('init', '--host', 'server.lan')).toMatchObject({
    code: 0,
    out: expect.stringContaining('tls://server.lan:22071'),
  })
  expect(readFileSync(join(base, 'home/config.yaml'), 'utf8')).toContain('- server.lan')
  for (const file of ['nats.json', 'nats/server-key.pem'])
    expect(statSync(join(base, 'home', file)).mode & 0o777).toBe(0o600)
  expect(await run('init')).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
})

test('init refuses what cannot work', async () => {
  expect(await run('init', '--listen', 'nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('host:port') })
  expect(await run('init', '--store', 'mysql://x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('sqlite:PATH'),
  })
  expect(existsSync(join(base, 'home/config.yaml'))).toBe(false)
})

test('before init every command says what to do first', async () => {
  for (const command of [['run'], ['mode'], ['plan'], ['status'], ['nodes']]) {
    expect(await run(...command)).toMatchObject({ code: 2, err: expect.stringContaining('spansync-coordinator init') })
  }
})

test('nodes are added with credentials, and removed', async () => {
  await run('init')
  expect(await run('nodes', 'add', 'laptop', '--id', id)).toMatchObject({
    code: 0,
    out: expect.stringContaining('laptop.creds'),
  })
  const credentials = await readCredentials(join(base, 'laptop.creds'))
  expect(credentials).toMatchObject({ node: id, name: 'laptop', server: expect.stringContaining('BEGIN CERTIFICATE') })
  expect(await run('nodes', 'add', 'laptop', '--id', id.replaceAll('0', 'f'))).toMatchObject({
    code: 2,
    err: /another node is called laptop/,
  })
  expect(await run('nodes', 'add', 'x', '--id', 'abc')).toMatchObject({ code: 2 })
  expect(await run('nodes', 'remove', 'fone')).toMatchObject({ code: 2, err: /use one of laptop/ })
  expect(await run('nodes', 'remove', 'laptop')).toMatchObject({ code: 0 })
  expect(await run('nodes', 'remove', 'laptop')).toMatchObject({ code: 2, err: /there is no node `laptop`/ })
})

test('a NATS server that somebody else runs is told who may connect', async () => {
  const { out } = await run('init', '--nats', 'nats://nats.lan:4222')
  expect(out).toContain('coordinator set nats://nats.lan:4222')
  expect(out).toContain('spansync-coordinator nats-config')
  await run('nodes', 'add', 'laptop', '--id', id)
  const own = await readCredentials(join(base, 'home/nats.json'))
  const node = await readCredentials(join(base, 'laptop.creds'))
  const other = publicKeyOf(createCredentials({ node: 'coordinator', name: 'other', server: null }))
  const config = await run('nats-config', '--coordinator', other)
  for (const key of [publicKeyOf(own), publicKeyOf(node), other]) expect(config.out).toContain(`nkey: ${key}`)
  expect(config.out).toContain(`spansync.v1.state.${id}`)
  writeFileSync(join(base, 'nats.conf'), `jetstream {}\n${config.out}`)
  await execa(await findNatsServer(), ['-t', '-c', join(base, 'nats.conf')])
  expect(await run('nats-config', '--coordinator', 'SUABC')).toMatchObject({ code: 2, err: /not a public key/ })
})

test('mode and objective are kept for whichever coordinator leads', async () => {
  await run('init')
  expect((await run('mode')).out).toBe('centralised\n')
  expect((await run('mode', 'decentralised')).out).toBe('decentralised\n')
  expect(JSON.parse((await run('mode', '--json')).out)).toEqual({ mode: 'decentralised' })
  expect(await run('mode', 'centralized')).toMatchObject({ code: 2, err: /did you mean `centralised`/ })
  expect((await run('objective')).out).toBe('balanced\n')
  expect((await run('objective', '0.25')).out).toBe('0.25\n')
  expect((await run('objective', 'cheapest')).out).toBe('cheapest\n')
  expect(await run('objective', 'cheap')).toMatchObject({ code: 2, err: /did you mean `cheapest`/ })
  expect(await run('objective', '2')).toMatchObject({ code: 2 })
})

test('what needs a running coordinator says so, with exit code 3', async () => {
  await run('init', '--listen', '127.0.0.1:1')
  expect(await run('status')).toMatchObject({ code: 3, err: /spansync-coordinator run/ })
})

test.each([
  [[], 2, /no command given/],
  [['pln'], 2, /did you mean `plan`/],
  [['estimate'], 2, /--plan-only/],
  [['--help'], 0, /^$/],
])('%j ends with %d', async (args, code, err) => {
  expect(await run(...args)).toMatchObject({ code, err: expect.stringMatching(err) })
})
