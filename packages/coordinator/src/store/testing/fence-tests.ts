import { describe, expect, it } from 'vitest'
import { defaultSettings } from '../records.ts'
import type { Epoch, Store } from '../store.ts'
import { folder, lead, node, nodeA, nodeB, report, state, up } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

const writes: readonly [string, (store: Store, epoch: Epoch) => Promise<unknown>][] = [
  ['a node', (store, epoch) => store.nodes.put(node(nodeA), epoch)],
  ["a node's removal", (store, epoch) => store.nodes.remove(nodeA, epoch)],
  ['settings', (store, epoch) => store.settings.replace({ expected: 0, settings: defaultSettings, by: epoch })],
  ['states', (store, epoch) => store.states.put([state(nodeA)], epoch)],
  ["a state's removal", (store, epoch) => store.states.remove(nodeA, epoch)],
  ['link events', (store, epoch) => store.links.append([up(1)], epoch)],
  ['link records', (store, epoch) => store.links.putRecords([{ a: nodeA, b: nodeB, upMs: 1, totalMs: 1 }], epoch)],
  ["links' removal", (store, epoch) => store.links.remove([{ a: nodeA, b: nodeB }], epoch)],
  ['reports', (store, epoch) => store.reports.add([report('r')], epoch)],
  ['plans', (store, epoch) => store.plans.add([{ folder: folder('f'), at: 1, plan: {} }], epoch)],
]

export function runFenceTests(make: () => OpenAgain): void {
  describe('the fence', () => {
    it.each(writes)('lets the leader write %s, and nobody from before', async (_, write) => {
      const open = make()
      const [first, second] = [await open(), await open()]
      const epoch = await lead(first.lease)
      await write(first, epoch)
      await first.lease.release(epoch)
      const newest = await lead(second.lease, 'second')
      await expect(write(first, epoch)).rejects.toMatchObject({ code: 'fenced', epoch, newest, retryable: false })
      await write(second, newest)
    })

    it('leaves nothing of a refused batch', async () => {
      const open = make()
      const store = await open()
      const old = await lead(store.lease)
      const epoch = await lead(store.lease)
      await expect(store.reports.add([report('r')], old)).rejects.toMatchObject({ code: 'fenced' })
      await expect(store.states.put([state(nodeA)], old)).rejects.toMatchObject({ code: 'fenced' })
      expect((await store.states.list()).items).toEqual([])
      expect(await store.reports.add([report('r')], epoch)).toMatchObject({ added: 1 })
    })

    it('lets a leader write whose time is up, as long as nobody else leads', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      await store.lease.release(epoch)
      await store.nodes.put(node(nodeA), epoch)
    })

    it('refuses an epoch that was never given out', async () => {
      const store = await make()()
      const never = (Date.now() + 1e9) as Epoch
      await expect(store.nodes.put(node(nodeA), never)).rejects.toMatchObject({ code: 'fenced', newest: 0 })
      await lead(store.lease)
      await expect(store.nodes.put(node(nodeA), never)).rejects.toMatchObject({ code: 'fenced' })
    })

    it('does not stop a person', async () => {
      const store = await make()()
      await lead(store.lease)
      await store.nodes.put(node(nodeA), 'person')
      expect(await store.nodes.list()).toEqual([node(nodeA)])
    })
  })
}
