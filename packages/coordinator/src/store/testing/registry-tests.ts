import { describe, expect, it } from 'vitest'
import { defaultSettings, type Settings } from '../records.ts'
import type { SettingsStore } from '../store.ts'
import { updateSettings } from '../update-settings.ts'
import { lead, node, nodeA, nodeB, nodeC } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

export function runRegistryTests(make: () => OpenAgain): void {
  describe('nodes', () => {
    it('are listed by id, replaced and removed', async () => {
      const store = await make()()
      expect(await store.nodes.list()).toEqual([])
      for (const id of [nodeB, nodeA, nodeC]) await store.nodes.put(node(id), 'person')
      await store.nodes.put(node(nodeB, { name: 'büro "2"' }), 'person')
      expect(await store.nodes.list()).toEqual([node(nodeA), node(nodeB, { name: 'büro "2"' }), node(nodeC)])
      expect(await store.nodes.remove(nodeA, 'person')).toBe(true)
      expect(await store.nodes.remove(nodeA, 'person')).toBe(false)
      expect((await store.nodes.list()).map(({ id }) => id)).toEqual([nodeB, nodeC])
    })

    it('that were removed are remembered, with the time, until they are put again', async () => {
      const open = make()
      const store = await open()
      const before = Date.now() - 60_000
      for (const id of [nodeA, nodeB]) await store.nodes.put(node(id), 'person')
      for (const id of [nodeB, nodeA, nodeC]) await store.nodes.remove(id, 'person')
      const removed = await (await open()).nodes.removed()
      expect(removed.map(({ id }) => id)).toEqual([nodeA, nodeB])
      for (const { removedAt } of removed) expect(removedAt).toBeGreaterThan(before)
      await store.nodes.put(node(nodeB), 'person')
      expect((await store.nodes.removed()).map(({ id }) => id)).toEqual([nodeA])
    })

    it('that could not be read again are not taken', async () => {
      const store = await make()()
      await expect(store.nodes.put(node(nodeA, { nkey: 'SECRET' }), 'person')).rejects.toThrow('nkey')
      expect(await store.nodes.list()).toEqual([])
    })

    it('outlive the one who put them', async () => {
      const open = make()
      const first = await open()
      await first.nodes.put(node(nodeA), 'person')
      await first[Symbol.asyncDispose]()
      expect(await (await open()).nodes.list()).toEqual([node(nodeA)])
      await expect(first.nodes.list()).rejects.toMatchObject({ code: 'store_closed' })
    })
  })

  describe('settings', () => {
    const fastest: Settings = { mode: 'decentralised', objective: 1, leafOnly: [nodeA] }

    it('have a default, and a version that rises with every change', async () => {
      const store = await make()()
      expect(await store.settings.read()).toEqual({ version: 0, settings: defaultSettings })
      const by = await lead(store.lease)
      const change = { expected: 0, settings: fastest, by }
      expect(await store.settings.replace(change)).toEqual({ status: 'replaced', version: 1 })
      expect(await store.settings.read()).toEqual({ version: 1, settings: fastest })
      expect(await store.settings.replace({ ...change, expected: 1 })).toEqual({ status: 'replaced', version: 2 })
    })

    it('are not replaced by one who has not seen the newest', async () => {
      const store = await make()()
      const conflict = { expected: 3, settings: fastest, by: 'person' } as const
      expect(await store.settings.replace(conflict)).toEqual({
        status: 'conflict',
        current: { version: 0, settings: defaultSettings },
      })
      await store.settings.replace({ ...conflict, expected: 0 })
      expect(await store.settings.replace({ ...conflict, expected: 0, settings: defaultSettings })).toEqual({
        status: 'conflict',
        current: { version: 1, settings: fastest },
      })
    })

    it('that could not be read again are not taken', async () => {
      const store = await make()()
      const settings = { ...fastest, objective: 2 }
      await expect(store.settings.replace({ expected: 0, settings, by: 'person' })).rejects.toThrow('objective')
      expect(await store.settings.read()).toMatchObject({ version: 0 })
    })

    it('take every change of many who make one at once', async () => {
      const open = make()
      const stores = await Promise.all([open(), open(), open()])
      const add = (objective: number) => (current: Settings) => ({
        ...current,
        objective: current.objective + objective,
      })
      await updateSettings({ store: (await open()).settings, by: 'person', change: (s) => ({ ...s, objective: 0 }) })
      const changes = Array.from({ length: 12 }, (_, at) =>
        updateSettings({
          store: (stores[at % 3] as { settings: SettingsStore }).settings,
          by: 'person',
          change: add(1 / 16),
        }),
      )
      await Promise.all(changes)
      expect(await stores[0].settings.read()).toMatchObject({ version: 13, settings: { objective: 12 / 16 } })
    })
  })
}
