import { systemClock } from '@spansync/common/runtime/clock'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LeaseKeeper } from './lease-keeper.ts'
import type { Epoch } from './store.ts'
import { admin, open, serve, soon } from './testing/redis-fixtures.ts'
import { folder, lead, node, nodeA, nodeB, nodeC, report, state, up } from './testing/samples.ts'

describe('the lease', () => {
  it('goes by the clock of the server, whatever the time is here', async () => {
    const server = await serve()
    const redis = await admin(server.url)
    const [first, second] = [await open(server.url), await open(server.url)]
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2000, 0, 1) })
    onTestFinished(() => void vi.useRealTimers())
    const serverMs = async (): Promise<number> => Number((await redis.time())[0]) * 1000
    const before = await serverMs()
    const epoch = await lead(first.lease, 'first', 60)
    expect(epoch).toBeGreaterThanOrEqual(before)
    expect(epoch).toBeLessThan((await serverMs()) + 1000)
    vi.setSystemTime(Date.UTC(2100, 0, 1))
    const next = await vi.waitFor(() => lead(second.lease, 'second'), soon)
    // Epochs are times.
    expect(next - epoch).toBeGreaterThanOrEqual(60)
    expect(next).toBeLessThan((await serverMs()) + 1000)
  })

  it('has one keeper at a time, through the death of a leader and of the server', async () => {
    const server = await serve({ appendOnly: true, args: ['--appendfsync', 'always'] })
    const ttlMs = 600
    const keepers = ['a', 'b'].map(async (holder) => {
      const store = await open(server.url, { replyTimeoutMs: 500 })
      const ending = new AbortController()
      const lead = { onLead: () => {}, onLost: () => {} }
      const keeper = new LeaseKeeper({ lease: store.lease, clock: systemClock, holder, ttlMs, ...lead })
      const ended = keeper.run(ending.signal)
      onTestFinished(async () => {
        ending.abort(new Error('the test is over'))
        await ended
      })
      return { keeper, store }
    })
    const all = await Promise.all(keepers)
    const leader = () => {
      const leading = all.filter(({ keeper }) => keeper.epoch !== undefined)
      expect(leading).toHaveLength(1)
      return leading[0] as (typeof all)[0]
    }
    const epoch = await vi.waitFor(() => leader().keeper.epoch as Epoch, soon)
    await server.stop('SIGKILL')
    await server.start()
    const dying = await vi.waitFor(leader, soon)
    await dying.store[Symbol.asyncDispose]()
    await vi.waitFor(() => {
      expect(leader()).not.toBe(dying)
      expect(leader().keeper.epoch).toBeGreaterThan(epoch)
    }, soon)
  })
})

describe('on a server of a cluster', () => {
  it('all that a script touches lies together', async () => {
    const server = await serve({ args: ['--cluster-enabled', 'yes'] })
    const redis = await admin(server.url)
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
    // A cluster's server waits two seconds before it serves.
    const store = await vi.waitFor(() => open(server.url), soon)
    const epoch = await lead(store.lease)
    await store.nodes.put(node(nodeA), epoch)
    await store.settings.replace({ expected: 0, settings: (await store.settings.read()).settings, by: epoch })
    await store.states.put([state(nodeA), state(nodeB)], epoch)
    await store.links.append([up(1), up(2, nodeA, nodeC)], epoch)
    await store.links.putRecords([{ a: nodeA, b: nodeB, upMs: 1, totalMs: 1 }], epoch)
    await store.links.remove([{ a: nodeA, b: nodeB }], epoch)
    await store.reports.add([report('1'), report('2', { startedAt: Date.now() - 86_400_000 })], epoch)
    await store.plans.add(
      [folder('a'), folder('b')].map((name) => ({ folder: name, at: 1, plan: 0 })),
      epoch,
    )
    expect(await store.lease.renew(epoch)).toBe(true)
    expect(await redis.keys('*')).toSatisfy((keys: string[]) =>
      keys.every((key) => key.startsWith('spansync:{default}:')),
    )
  })
})
