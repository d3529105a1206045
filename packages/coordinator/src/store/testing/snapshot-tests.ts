import { describe, expect, it } from 'vitest'
import { bounds } from '../store.ts'
import { folder, lead, nodeA, nodeB, nodeId, state } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

export function runSnapshotTests(make: () => OpenAgain): void {
  describe('states', () => {
    it('are the last of each node, until it is removed', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      expect(await store.states.list()).toEqual({ items: [], dropped: 0 })
      await store.states.put([state(nodeB), state(nodeA)], epoch)
      await store.states.put([state(nodeB, { seq: 8, replicas: [] })], epoch)
      const expected = [state(nodeA), state(nodeB, { seq: 8, replicas: [] })]
      expect(await store.states.list()).toEqual({ items: expected, dropped: 0 })
      await store.states.remove(nodeA, epoch)
      expect((await store.states.list()).items.map(({ node }) => node)).toEqual([nodeB])
    })

    it('that do not parse are dropped and counted', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.states.put([state(nodeA), { ...state(nodeB), seq: -1 }], epoch)
      expect(await store.states.list()).toEqual({ items: [state(nodeA)], dropped: 1 })
    })

    it('may be many', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const ids = Array.from({ length: 1001 }, (_, at) => nodeId('0').slice(4).concat(at.toString(16).padStart(4, '0')))
      const states = ids.map((id) => state(id as ReturnType<typeof nodeId>))
      await store.states.put(states, epoch)
      expect((await store.states.list()).items.map(({ node }) => node)).toEqual(ids)
    })
  })

  describe('plans', () => {
    const [photos, music] = [folder('photos'), folder('büro: music %')]

    it('are listed by time, of all folders or one', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const edges = { edges: [[1, 'ü', null]] }
      await store.plans.add(
        [
          { folder: photos, at: 20, plan: edges },
          { folder: photos, at: 5, plan: edges },
          { folder: music, at: 20, plan: [] },
        ],
        epoch,
      )
      await store.plans.add([{ folder: photos, at: 30, plan: edges }], epoch)
      await store.plans.add([{ folder: photos, at: 20, plan: 'again' }], epoch)
      const all = (await store.plans.list()).items
      expect(all.map(({ folder, at }) => [folder, at])).toEqual([
        [photos, 5],
        [music, 20],
        [photos, 20],
        [photos, 30],
      ])
      expect(all.map(({ plan }) => plan)).toEqual([edges, [], 'again', edges])
      expect((await store.plans.list({ since: 20, folder: photos })).items.map(({ at }) => at)).toEqual([20, 30])
      expect((await store.plans.list({ since: 21 })).items.map(({ at }) => at)).toEqual([30])
      expect(await store.plans.list({ folder: folder('unknown') })).toEqual({ items: [], dropped: 0 })
    })

    it('are bounded per folder', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.plans.add([{ folder: music, at: 1, plan: 0 }], epoch)
      const many = Array.from({ length: bounds.plansPerFolder + 7 }, (_, at) => ({ folder: photos, at, plan: at }))
      await store.plans.add(many, epoch)
      const kept = (await store.plans.list({ folder: photos })).items
      expect(kept.map(({ at }) => at)).toEqual(many.slice(7).map(({ at }) => at))
      expect((await store.plans.list({ folder: music })).items).toHaveLength(1)
    })
  })
}
