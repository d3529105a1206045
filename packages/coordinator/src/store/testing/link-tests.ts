import { describe, expect, it } from 'vitest'
import { bounds } from '../store.ts'
import { down, lead, nodeA, nodeB, nodeC, up } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

export function runLinkTests(make: () => OpenAgain): void {
  describe('link history', () => {
    it('is one list by time, whichever end is named first, and what is written twice is there once', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.links.append([down(30), up(10, nodeB, nodeA), up(20, nodeC, nodeB)], epoch)
      await store.links.append([up(10), up(20, nodeA, nodeC)], epoch)
      expect(await store.links.events({ since: 0 })).toEqual({
        items: [up(10), up(20, nodeA, nodeC), up(20, nodeB, nodeC), down(30)],
        dropped: 0,
        next: undefined,
      })
      expect((await store.links.events({ since: 20 })).items.map(({ at }) => at)).toEqual([20, 20, 30])
      expect((await store.links.events({ since: 31 })).items).toEqual([])
    })

    it('is paged without parting what happened at once', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const times = [1, 2, 2, 2, 3, 4, 4, 5]
      const ends = [nodeA, nodeB, nodeC, nodeA] as const
      await store.links.append(
        times.map((at, index) => up(at, ends[index % 3] ?? nodeA, ends[(index % 3) + 1] ?? nodeB)),
        epoch,
      )
      const pages: number[][] = []
      for (let since: number | undefined = 0; since !== undefined; ) {
        const page: { items: readonly { at: number }[]; next: number | undefined } = await store.links.events({
          since,
          limit: 3,
        })
        pages.push(page.items.map(({ at }) => at))
        since = page.next
      }
      expect(pages).toEqual([[1, 2, 2, 2], [3, 4, 4], [5]])
    })

    it('is bounded per link', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const many = Array.from({ length: bounds.eventsPerLink + 50 }, (_, at) => (at % 2 === 0 ? up(at) : down(at)))
      await store.links.append([up(0, nodeA, nodeC), ...many.slice(0, 700)], epoch)
      await store.links.append(many.slice(700), epoch)
      const { items } = await store.links.events({ since: 0 })
      expect(items).toEqual([up(0, nodeA, nodeC), ...many.slice(50)])
    })
  })

  describe('link records', () => {
    const measured = { a: nodeA, b: nodeB, upMs: 0.5, totalMs: 2.25, rttMs: 20, throughputBps: 1e6 }

    it('are replaced, and say what was not measured by saying nothing', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.links.putRecords([{ a: nodeC, b: nodeA, upMs: 1, totalMs: 1 }, measured], epoch)
      await store.links.putRecords([{ ...measured, a: nodeB, b: nodeA, upMs: 0.75 }], epoch)
      expect(await store.links.records()).toEqual({
        items: [
          { ...measured, upMs: 0.75 },
          { a: nodeA, b: nodeC, upMs: 1, totalMs: 1 },
        ],
        dropped: 0,
      })
    })

    it('that do not parse are dropped and counted', async () => {
      const store = await make()()
      await store.links.putRecords([{ ...measured, upMs: -1 }], await lead(store.lease))
      expect(await store.links.records()).toEqual({ items: [], dropped: 1 })
    })

    it('are removed with the history', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.links.append([up(1), down(2), up(3, nodeA, nodeC)], epoch)
      await store.links.putRecords([measured, { ...measured, b: nodeC }], epoch)
      await store.links.remove([{ a: nodeB, b: nodeA }], 'person')
      expect((await store.links.events({ since: 0 })).items).toEqual([up(3, nodeA, nodeC)])
      expect((await store.links.records()).items).toEqual([{ ...measured, b: nodeC }])
    })
  })
}
