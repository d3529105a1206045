import { chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { describe, expect, test } from 'vitest'
import { isAlive, TestPair, tree, until, write } from './testing/test-pair.ts'

const equal = async (pair: TestPair): Promise<boolean> =>
  JSON.stringify(await tree(pair.a)) === JSON.stringify(await tree(pair.b))

describe('openPersistent', () => {
  test('brings what it is told of, in both directions, and nothing else', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    expect(run.phase).toBe('waiting')

    await write(pair.a, 'f', 'edited here')
    await write(pair.a, 'not-told', 'x')
    expect(await run.sync(['f'])).toEqual({ transferred: 1, skipped: 0, failed: 0 })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('edited here')
    expect(await tree(pair.b)).not.toHaveProperty('not-told')

    await write(pair.b, 'f', 'edited there')
    const ended = new Promise((resolve) => run.onCycle(resolve))
    pair.serverMonitor.notify(['f'])
    expect(await ended).toEqual({ transferred: 1, skipped: 0, failed: 0 })
    expect(await readFile(join(pair.a, 'f'), 'utf8')).toBe('edited there')
  })

  test('what the agent made on both sides is only recorded when both are told', async () => {
    await using pair = await TestPair.create()
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    await mkdir(join(pair.b, 'd'))
    await write(pair.a, 'd/f', '1')
    pair.serverMonitor.stage(['d/f'])
    expect(await run.sync(['d/f'])).toMatchObject({ failed: 0 })
    expect(await equal(pair)).toBe(true)
  })

  test('the start scan is not a cycle that anybody asked for', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await using run = await pair.open()
    let cycles = 0
    run.onCycle(() => {
      cycles++
    })
    await run.ready()
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('1')
    expect(cycles).toBe(0)
    await run.sync(['f'])
    expect(cycles).toBe(1)
  })

  test('refuses a true conflict and goes on', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '1')
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    await write(pair.a, 'f', 'aa')
    await write(pair.b, 'f', 'bbb')
    pair.serverMonitor.stage(['f'])
    expect(await run.sync(['f'])).toEqual({ transferred: 0, skipped: 1, failed: 0 })
    expect(await readFile(join(pair.b, 'f'), 'utf8')).toBe('bbb')
    await write(pair.a, 'g', '1')
    expect(await run.sync(['g'])).toMatchObject({ transferred: 1 })
  })

  test('every kind of change, and names that are hard to name', async () => {
    await using pair = await TestPair.create()
    for (const name of ['gone', 'kind', 'run', 'dir/x']) await write(pair.a, name, name)
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    const names = [' a ', '-dash', 'new\nline', 'ünï 日本', '100%25', 'star*', '*', 'back\\slash', '.hidden', 'cr\r']
    for (const name of names) await write(pair.a, name, name)
    await rm(join(pair.a, 'gone'))
    await rm(join(pair.a, 'kind'))
    await write(pair.a, 'kind/inside', 'x')
    await rm(join(pair.a, 'dir'), { recursive: true })
    await symlink('/nowhere', join(pair.a, 'link'))
    await chmod(join(pair.a, 'run'), 0o755)
    expect(await run.sync([...names, 'gone', 'kind', 'dir', 'link', 'run'])).toMatchObject({ failed: 0, skipped: 0 })
    expect(await tree(pair.b)).toEqual(await tree(pair.a))
  })

  test('keeps to its scope, from the start scan on', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'in/f', '1')
    await write(pair.a, 'out/f', '1')
    await using run = await pair.open({ scope: ['in'] })
    await run.ready()
    expect(Object.keys(await tree(pair.b))).toEqual(['in', 'in/f'])
    await write(pair.a, 'in/g', '1')
    expect(await run.sync(['in/g', 'out/f'])).toMatchObject({ transferred: 1 })
    expect(await tree(pair.b)).not.toHaveProperty('out')
  })

  test('shares the pair with runs that end by themselves', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'f', '0')
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    for (let round = 1; round <= 3; round++) {
      await write(pair.a, 'f', `one-shot ${'x'.repeat(round)}`)
      expect(await pair.run({ paths: ['f'] })).toMatchObject({ outcome: 'done', cured: [] })
      await write(pair.b, 'f', `persistent ${'y'.repeat(round)}`)
      pair.serverMonitor.stage(['f'])
      expect(await run.sync(['f'])).toMatchObject({ transferred: 1 })
      expect(await equal(pair)).toBe(true)
    }
  })

  test('a cycle of one edited line costs less than 6 KB, uncompressed', async () => {
    await using pair = await TestPair.create()
    for (let at = 0; at < 300; at++) await write(pair.a, `d${at % 10}/f${at}`, 'x\n'.repeat(1000))
    await pair.run({ paths: [''] })
    await using run = await pair.open()
    await run.ready()
    const before = run.traffic()
    await write(pair.a, 'd0/f0', `edited\n${'x\n'.repeat(999)}`)
    await run.sync(['d0/f0'])
    await run.ready()
    const after = run.traffic()
    expect(after.sent + after.received - before.sent - before.received).toBeLessThan(6000)
  })
})

describe('how it ends', () => {
  test('closed: every process is gone, and nobody waits for ever', async () => {
    await using pair = await TestPair.create()
    const run = await pair.open()
    await run.ready()
    const pid = run.pid ?? 0
    expect(isAlive(pid)).toBe(true)
    await run.close()
    expect(await run.closed).toMatchObject({ outcome: 'done' })
    await pair.served.at(-1)
    await until(() => !isAlive(pid), 'the client is gone')
    expect(run.phase).toBe('closed')
    expect(pair.serverMonitor.phase).toBe('closed')
    await expect(run.sync(['f'])).rejects.toMatchObject({ code: 'persistent_closed' })
  })

  test('the server dies: closed says so, and so does a sync that waits', async () => {
    await using pair = await TestPair.create()
    let stream = pair.connect({ monitor: pair.serverMonitor })
    const run = await pair.open({
      connect: async () => {
        stream = pair.connect({ monitor: pair.serverMonitor })
        return stream
      },
    })
    await run.ready()
    const waiting = run.sync(['f'])
    stream.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'persistent_closed', retryable: true })
    expect(await run.closed).toMatchObject({ exit: 3, outcome: 'fatal', reason: 'connection_lost' })
  })

  test('the peer cannot be reached', async () => {
    await using pair = await TestPair.create()
    await expect(pair.open({ connect: () => Promise.reject(new Error('no way')) })).rejects.toThrow('no way')
  })

  test('a silent peer: the watchdog ends it; an idle run is left alone', async () => {
    await using pair = await TestPair.create()
    const clock = new FakeClock()
    const silent = await pair.open({ connect: async () => new PassThrough(), clock, watchdogMs: 1000 })
    await clock.advance(5000)
    expect(await silent.closed).toMatchObject({ outcome: 'stalled' })

    const idleClock = new FakeClock()
    await using idle = await pair.open({ clock: idleClock, watchdogMs: 1000 })
    await idle.ready()
    await idleClock.advance(1_000_000)
    await write(pair.a, 'f', '1')
    expect(await idle.sync(['f'])).toMatchObject({ transferred: 1 })
  })
})
