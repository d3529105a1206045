import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '@spansync/common/runtime/clock'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBridge } from './bridge.ts'
import { findJail, type Jail } from './jail.ts'
import type { ServeOptions } from './server.ts'
import { TestPair } from './testing/test-pair.ts'

let jail: Jail | undefined
let outside: string
beforeAll(async () => {
  jail = await findJail([])
  // In no place that programs need.
  outside = mkdtempSync(join(tmpdir(), 'spansync-outside-'))
  writeFileSync(join(outside, 'secret'), 'of somebody else')
})
afterAll(() => rmSync(outside, { recursive: true, force: true }))

test('there is one on this system', () => {
  expect(process.platform !== 'linux' || jail !== undefined).toBe(true)
})

/** What a serving Unison of `pair` is let to see. */
const seeing = (pair: TestPair, readOnly = false): Partial<ServeOptions> => {
  const own = [pair.unisonDir('b'), pair.backupDir('b')]
  const wrap = jail?.(readOnly ? { writable: own, readable: [pair.b] } : { writable: [pair.b, ...own] })
  return { wrap }
}

async function write(root: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

/** A member whose Unison asks for whatever root it likes. */
async function ask(pair: TestPair, root: string, serving: Partial<ServeOptions>, ...more: string[]): Promise<string> {
  const { signal } = pair.abort
  const connect = async () => pair.connect(serving)
  await using bridge = await openBridge({ connect, clock: systemClock, onProgress: () => {}, signal })
  const remote = `socket://{${bridge.socketPath}}/${root}`
  const argv = [pair.a, remote, '-ui', 'text', '-batch', '-auto', '-confirmbigdel=false', '-ignorearchives', ...more]
  const env = { UNISON: pair.unisonDir('a'), HOME: pair.unisonDir('a'), UNISONLOCALHOSTNAME: 'node-a' }
  const { all } = await execa(pair.unison.path, argv, { env, all: true, reject: false, timeout: 30_000 })
  return all ?? ''
}

describe.skipIf(process.platform !== 'linux')('a serving Unison in a jail', () => {
  test.each([
    ['reads nothing beside the folder', 'secret', () => outside, false],
    // The same without a jail: what is tried would work.
    ['else it would', 'secret', () => outside, true],
    ['reads nothing of the system’s configuration', 'passwd', () => '/etc', false],
  ])('%s', async (_what, name, where, comes) => {
    await using pair = await TestPair.create()
    await ask(pair, where(), comes ? {} : seeing(pair), '-path', name)
    expect(readdirSync(pair.a).includes(name)).toBe(comes)
  })

  test.each([
    ['writes nothing beside the folder', false],
    ['else it would', true],
  ])('%s', async (_what, works) => {
    await using pair = await TestPair.create()
    const target = mkdtempSync(join(outside, 'target-'))
    await write(pair.a, 'planted', 'by a member')
    await ask(pair, target, works ? {} : seeing(pair), '-path', 'planted', '-force', pair.a)
    expect(readdirSync(target)).toEqual(works ? ['planted'] : [])
  })

  test('that only gives lets nothing be changed in the folder itself', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'x', 'new')
    await write(pair.b, 'x', 'old')
    const forced = { paths: ['x'], way: { kind: 'force', winner: 'local' } } as const
    const result = await pair.run({ ...forced, connect: async () => pair.connect(seeing(pair, true)) })
    expect([result.outcome === 'done', await readFile(join(pair.b, 'x'), 'utf8')]).toEqual([false, 'old'])
    const other = await pair.run({ ...forced, connect: async () => pair.connect(seeing(pair)) })
    expect([other.outcome, await readFile(join(pair.b, 'x'), 'utf8')]).toEqual(['done', 'new'])
  })

  test('gives, and so does one at the dialling end', async () => {
    await using pair = await TestPair.create()
    await write(pair.b, 'd/x', 'content')
    const wrap = jail?.({ writable: [pair.a, pair.unisonDir('a'), pair.backupDir('a')] })
    const connect = async () => pair.connect(seeing(pair, true))
    const result = await pair.run({ paths: ['d'], way: { kind: 'force', winner: 'remote' }, connect, wrap })
    expect([result.outcome, await readFile(join(pair.a, 'd/x'), 'utf8')]).toEqual(['done', 'content'])
  })

  test('goes on running, and hears what its agent says', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'x', '1')
    await write(pair.b, 'x', '1')
    const wrap = jail?.({ writable: [pair.a, pair.unisonDir('a'), pair.backupDir('a')] })
    const monitor = pair.serverMonitor
    const run = await pair.open({ wrap, connect: async () => pair.connect({ ...seeing(pair), monitor }) })
    await run.ready()
    await write(pair.b, 'x', '22')
    monitor.stage(['x'])
    await run.sync(['x'])
    expect(await readFile(join(pair.a, 'x'), 'utf8')).toBe('22')
    await run.close()
  })
})
