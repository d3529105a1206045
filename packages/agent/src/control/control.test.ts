import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectControl } from './client.ts'
import { readRunInfo, socketPathOf } from './endpoint.ts'
import { fakeHandlers, sampleStatus } from './fake-handlers.ts'
import { lockHome } from './lock.ts'
import { startControlServer } from './server.ts'

let home: string
let cleanup: AsyncDisposableStack
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-control-'))
  cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rmSync(home, { recursive: true, force: true }))
})
afterEach(() => cleanup.disposeAsync())

async function serve(clock?: FakeClock) {
  const handlers = fakeHandlers()
  const stop = vi.fn<() => void>()
  const server = await startControlServer({ home, handlers, stop, log: silentLogger, ...(clock && { clock }) })
  cleanup.use(server)
  return { handlers, stop, server, client: connectControl(home) }
}

describe('requests', () => {
  test('every one reaches its handler', async () => {
    const { handlers, stop, client } = await serve()
    expect(await client.status()).toEqual(sampleStatus)
    expect((await client.sync({ folder: 'docs', wait: true, timeoutMs: 5 })).folders[0]).toMatchObject({
      id: 'docs',
      equal: true,
    })
    expect((await client.conflicts('docs'))[0]).toMatchObject({ original: 'a.txt' })
    await client.conflicts()
    expect((await client.doctor()).checks).toHaveLength(1)
    expect(await client.approve('docs')).toEqual({ here: 6, peers: 0 })
    expect(await client.revert('docs')).toMatchObject({ missing: 3 })
    await client.reload()
    await client.stop()
    expect(stop).toHaveBeenCalledOnce()
    expect(handlers.calls).toEqual([
      'sync {"folder":"docs","wait":true,"timeoutMs":5}',
      'conflicts docs',
      'conflicts *',
      'approve docs',
      'revert docs',
      'reload',
    ])
  })

  test('an error of the daemon arrives with code, remedy and exit code', async () => {
    const { client } = await serve()
    const failed = client.sync({ folder: 'unknown', wait: false, timeoutMs: 0 })
    await expect(failed).rejects.toMatchObject({
      code: 'unknown_folder',
      message: 'no such folder',
      remedy: 'add it',
      exitCode: 2,
    })
  })

  test('what does not fit the schema is refused, on both ends', async () => {
    const { handlers, client } = await serve()
    await expect(client.sync({ wait: true, timeoutMs: -1 })).rejects.toMatchObject({ code: 'malformed' })
    handlers.change({ uptimeMs: -1 })
    await expect(client.status()).rejects.toMatchObject({ code: 'malformed' })
  })

  test('what is no request of ours is refused', async () => {
    const { server } = await serve()
    const codes = ['/', '/__proto__', '/constructor', '/status/../stop'].map(
      (path) =>
        new Promise((resolve) => {
          request({ socketPath: server.socket, path, method: 'POST' }, (response) => {
            response.resume()
            resolve(response.statusCode)
          }).end()
        }),
    )
    expect(await Promise.all(codes)).toEqual([500, 500, 500, 500])
  })

  test('a command that goes away aborts what it asked for', async () => {
    const { handlers, client } = await serve()
    const controller = new AbortController()
    const waiting = client.sync({ folder: 'endless', wait: true, timeoutMs: 60_000 }, controller.signal)
    await vi.waitUntil(() => handlers.calls.length === 1, patience)
    controller.abort()
    await expect(waiting).rejects.toThrow()
    await vi.waitUntil(() => handlers.calls.at(-1) === 'sync aborted', patience)
  })

  test('a daemon that stops ends what is waiting', async () => {
    const { handlers, client, server } = await serve()
    const waiting = client.sync({ folder: 'endless', wait: true, timeoutMs: 60_000 })
    await vi.waitUntil(() => handlers.calls.length === 1, patience)
    await server[Symbol.asyncDispose]()
    expect(handlers.calls).toContain('sync aborted')
    await waiting
    await expect(client.status()).rejects.toMatchObject({ code: 'not_running' })
  })
})

describe('watching', () => {
  test('gives the status now and after changes, many of which are merged', async () => {
    const clock = new FakeClock()
    const { handlers, client } = await serve(clock)
    const seen: number[] = []
    const controller = new AbortController()
    for await (const { uptimeMs } of client.watch(controller.signal)) {
      seen.push(uptimeMs)
      await clock.whenSleeping()
      if (seen.length === 3) controller.abort()
      for (let i = 1; i <= 50; i++) handlers.change({ uptimeMs: seen.length * 100 + i })
      await clock.advance(100)
    }
    expect(seen).toEqual([sampleStatus.uptimeMs, 150, 250])
  })

  test('ends when the daemon stops', async () => {
    const { client, server } = await serve()
    const seen: string[] = []
    for await (const { node } of client.watch()) {
      seen.push(node)
      await server[Symbol.asyncDispose]()
    }
    expect(seen).toEqual(['laptop'])
  })
})

describe('the socket', () => {
  test('nobody there: not running', async () => {
    await expect(connectControl(home).status()).rejects.toMatchObject({ code: 'not_running', exitCode: 3 })
  })

  test('what a killed daemon left is replaced, and only its owner may use it', async () => {
    writeFileSync(join(home, 'agent.sock'), '')
    await expect(connectControl(home).status()).rejects.toMatchObject({ code: 'not_running' })
    const { client, server } = await serve()
    expect((await client.status()).node).toBe('laptop')
    expect(statSync(server.socket).mode & 0o777).toBe(0o600)
  })

  test('a home with a long path has its socket elsewhere, in a directory of its owner', async () => {
    home = join(home, 'long-name-'.repeat(12))
    mkdirSync(home)
    const { client, server } = await serve()
    cleanup.defer(() => rmSync(dirname(server.socket), { recursive: true, force: true }))
    expect(Buffer.byteLength(server.socket)).toBeLessThan(100)
    expect(statSync(dirname(server.socket)).mode & 0o777).toBe(0o700)
    expect((await client.status()).node).toBe('laptop')
  })

  test('a directory that is open to others is refused', async () => {
    home = join(home, 'long-name-'.repeat(12))
    mkdirSync(home)
    const directory = dirname(socketPathOf(home))
    cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))
    mkdirSync(directory)
    chmodSync(directory, 0o777)
    await expect(serve()).rejects.toMatchObject({ code: 'unsafe_socket' })
  })

  test('on Windows it is a named pipe', () => {
    expect(socketPathOf(home, 'win32')).toMatch(/^\\\\\.\\pipe\\spansync-[0-9a-f]{24}$/)
  })

  test('the command line finds it where the daemon says it is', async () => {
    const lock = lockHome(home)
    expect(readRunInfo(home)).toEqual({ pid: process.pid, socket: join(home, 'agent.sock') })
    lock[Symbol.dispose]()
    expect(existsSync(join(home, 'agent.json'))).toBe(false)
  })
})
