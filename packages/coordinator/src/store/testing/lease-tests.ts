import { patience } from '@spansync/common/testing/patience'
import { describe, expect, it, vi } from 'vitest'
import { epochOf, lead } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

const soon = { ...patience, interval: 10 }

export function runLeaseTests(make: () => OpenAgain): void {
  describe('the lease', () => {
    it('is held by one', async () => {
      const open = make()
      const [first, second] = [await open(), await open()]
      const epoch = await lead(first.lease, 'first one')
      const refused = await second.lease.acquire('second', 60_000)
      expect(refused).toEqual({ status: 'held', by: 'first one', leftMs: expect.any(Number) })
      expect(refused).toMatchObject({ leftMs: expect.toSatisfy((ms: number) => ms > 30_000 && ms <= 60_000) })
      expect(await second.lease.current()).toMatchObject({ holder: 'first one', epoch })
    })

    it('passes on when it is released, and the epoch rises', async () => {
      const open = make()
      const [first, second] = [await open(), await open()]
      expect(await first.lease.current()).toBeUndefined()
      const before = Date.now()
      const epoch = await lead(first.lease)
      expect(epoch).toBeGreaterThanOrEqual(before)
      await first.lease.release(epoch)
      expect(await first.lease.current()).toBeUndefined()
      expect(await lead(second.lease, 'second')).toBeGreaterThan(epoch)
      expect(await first.lease.renew(epoch)).toBe(false)
      await first.lease.release(epoch)
      expect(await first.lease.current()).toMatchObject({ holder: 'second' })
    })

    it('passes on when its time is up, and not before', async () => {
      const open = make()
      const [first, second] = [await open(), await open()]
      const epoch = await lead(first.lease, 'first', 60)
      const next = await vi.waitFor(() => lead(second.lease, 'second'), soon)
      // Epochs are times.
      expect(next - epoch).toBeGreaterThanOrEqual(60)
      expect(await first.lease.renew(epoch)).toBe(false)
    })

    it('has its whole time again when it is renewed', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const leftMs = async (): Promise<number> => (await store.lease.current())?.leftMs ?? 0
      await vi.waitFor(async () => expect(await leftMs()).toBeLessThan(59_990), soon)
      const before = await leftMs()
      expect(await store.lease.renew(epoch)).toBe(true)
      expect(await leftMs()).toSatisfy((left: number) => left > before && left <= 60_000)
    })

    it('cannot be renewed when its time is up, though nobody else has it', async () => {
      const store = await make()()
      const epoch = await lead(store.lease, 'first', 20)
      await vi.waitFor(async () => expect(await store.lease.current()).toBeUndefined(), soon)
      expect(await store.lease.renew(epoch)).toBe(false)
    })

    it('is given again to the one who holds it, with a new epoch', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const again = await lead(store.lease)
      expect(again).toBeGreaterThan(epoch)
      expect(await store.lease.renew(epoch)).toBe(false)
      expect(await store.lease.renew(again)).toBe(true)
    })

    it('has an epoch of its own for each of many acquisitions within one ms', async () => {
      const store = await make()()
      const epochs: number[] = []
      for (let turn = 0; turn < 30; turn++) epochs.push(await lead(store.lease))
      expect(new Set(epochs).size).toBe(30)
      expect(epochs.toSorted((left, right) => left - right)).toEqual(epochs)
    })

    it('goes to exactly one of two who race for it', async () => {
      const open = make()
      const stores = [await open(), await open()]
      const epochs: number[] = []
      for (let round = 0; round < 20; round++) {
        const answers = await Promise.all(stores.map(({ lease }, at) => lease.acquire(`holder ${at}`, 60_000)))
        const won = answers.filter(({ status }) => status === 'acquired').map(epochOf)
        expect(won).toHaveLength(1)
        epochs.push(...won)
        await Promise.all(won.map((epoch) => stores[0]?.lease.release(epoch)))
      }
      expect(new Set(epochs).size).toBe(20)
    })

    it('keeps the epoch over a new opening', async () => {
      const open = make()
      const first = await open()
      const epoch = await lead(first.lease)
      await first[Symbol.asyncDispose]()
      const again = await open()
      expect(await again.lease.renew(epoch)).toBe(true)
      await again.lease.release(epoch)
      expect(await lead(again.lease)).toBeGreaterThan(epoch)
    })

    it('is not asked for when the signal is aborted', async () => {
      const store = await make()()
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(store.lease.acquire('first', 1000, signal)).rejects.toThrow('enough')
      expect(await store.lease.current()).toBeUndefined()
    })
  })
}
