import { createLogger } from '@spansync/common/runtime/logger'
import { describe, expect, it, vi } from 'vitest'
import { openRedisStore } from './redis-store.ts'
import { admin, open, serve, soon } from './testing/redis-fixtures.ts'
import { lead, node, nodeA, report, state } from './testing/samples.ts'

describe('a Redis server that is restarted', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s: the store says so, comes back by itself, and keeps what it had',
    async (how) => {
      const server = await serve({ appendOnly: true, args: ['--appendfsync', 'always'] })
      const store = await open(server.url)
      const epoch = await lead(store.lease)
      await store.nodes.put(node(nodeA), epoch)
      await store.reports.add([report('1')], epoch)
      await server.stop(how)
      await expect(store.nodes.list()).rejects.toMatchObject({ code: 'store_unreachable', retryable: true })
      await server.start()
      expect(await vi.waitFor(() => store.nodes.list(), soon)).toEqual([node(nodeA)])
      expect(await store.lease.renew(epoch)).toBe(true)
      expect(await store.reports.add([report('1'), report('2')], epoch)).toMatchObject({ added: 1, repeated: 1 })
      expect(await lead(store.lease)).toBeGreaterThan(epoch)
    },
  )

  it('and has lost everything: the leader from before is refused, and epochs do not repeat', async () => {
    const server = await serve()
    const store = await open(server.url)
    const epochs = [await lead(store.lease), await lead(store.lease), await lead(store.lease)]
    const last = epochs.at(-1) as (typeof epochs)[0]
    await server.stop('SIGKILL')
    await server.start()
    expect(await vi.waitFor(() => store.lease.renew(last), soon)).toBe(false)
    await expect(store.states.put([state(nodeA)], last)).rejects.toMatchObject({ code: 'fenced', newest: 0 })
    expect(await lead(store.lease)).toBeGreaterThan(last)
    await expect(store.states.put([state(nodeA)], last)).rejects.toMatchObject({ code: 'fenced' })
  })
})

describe('a connection', () => {
  it('that is cut is made again', async () => {
    const server = await serve()
    const store = await open(server.url)
    const redis = await admin(server.url)
    const epoch = await lead(store.lease)
    for (let round = 0; round < 3; round++) {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      expect(await vi.waitFor(() => store.lease.renew(epoch), soon)).toBe(true)
    }
  })

  it('whose server is silent is given up, and made again when it speaks', async () => {
    const server = await serve()
    const store = await open(server.url, { replyTimeoutMs: 1500 })
    const epoch = await lead(store.lease)
    server.halt()
    await expect(store.lease.renew(epoch)).rejects.toMatchObject({ code: 'store_unreachable' })
    server.resume()
    expect(await vi.waitFor(() => store.lease.renew(epoch), soon)).toBe(true)
  })

  it('is not waited for longer than the signal says', async () => {
    const server = await serve()
    const store = await open(server.url)
    server.halt()
    const controller = new AbortController()
    const answer = store.nodes.list(controller.signal)
    controller.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
  })

  it('that comes and goes is told once', async () => {
    const lines: Record<string, unknown>[] = []
    const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
    const server = await serve({ appendOnly: true })
    const store = await open(server.url, { log: createLogger({ destination }) })
    await server.stop()
    await vi.waitFor(() => expect(lines).toHaveLength(1), soon)
    await server.start()
    await vi.waitFor(() => store.nodes.list(), soon)
    expect(lines.map(({ event }) => event)).toEqual(['store.connection_lost', 'store.connected'])
  })
})

describe('openRedisStore', () => {
  it('says that nobody is there', async () => {
    const server = await serve()
    await server.stop()
    const url = server.url.replace('//', '//user:secret@')
    await expect(openRedisStore(url)).rejects.toMatchObject({
      code: 'store_unreachable',
      message: expect.stringMatching(/^the store redis:\/\/user@127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/),
      remedy: expect.not.stringContaining('secret'),
    })
  })

  it('gives up on a server that does not speak', async () => {
    const server = await serve()
    server.halt()
    await expect(openRedisStore(server.url, { connectWithinMs: 100 })).rejects.toMatchObject({
      code: 'store_unreachable',
    })
  })

  it('names a password that is missing or wrong, and never says which', async () => {
    const server = await serve({ args: ['--requirepass', 'secret'] })
    await expect(openRedisStore(server.url)).rejects.toMatchObject({ code: 'store_access', retryable: false })
    const wrong: unknown = await openRedisStore(server.url.replace('//', '//:guessed@')).catch((error) => error)
    expect(wrong).toMatchObject({ code: 'store_access', remedy: expect.stringContaining('password') })
    expect(JSON.stringify([wrong, (wrong as Error).cause])).not.toContain('guessed')
    const store = await open(server.url.replace('//', '//:secret@'))
    expect(await store.nodes.list()).toEqual([])
    expect(store.location).toBe(server.url)
  })

  it('refuses what a newer program or somebody else wrote there', async () => {
    const server = await serve()
    const redis = await admin(server.url)
    await redis.set('spansync:{newer}:layout', '2')
    await redis.set('spansync:{other}:layout', 'house')
    await redis.set('spansync:{wrong}:nodes', 'not a hash')
    await redis.hset('spansync:{bad}:nodes', nodeA, '{"id":1}')
    await expect(openRedisStore(server.url, { network: 'newer' })).rejects.toMatchObject({ code: 'store_too_new' })
    await expect(openRedisStore(server.url, { network: 'other' })).rejects.toMatchObject({ code: 'store_damaged' })
    for (const network of ['wrong', 'bad']) {
      const store = await open(server.url, { network })
      await expect(store.nodes.list()).rejects.toMatchObject({ code: 'store_damaged' })
    }
  })
})
