import fc from 'fast-check'
import { expect, it } from 'vitest'
import { directory, file } from '../../testing/entries.ts'
import { amountOf } from './amount.ts'
import type { Wanted } from './state.ts'
import { WishMap } from './wish-map.ts'
import { newWish, wishFlag } from './wishes.ts'

const anyPath = fc.nat({ max: 20 }).map((at) => `d${at % 3}/f${at}`)
const anyWish = fc.record({
  path: anyPath,
  size: fc.nat({ max: 9 }),
  isHeldBack: fc.boolean(),
  isDirectory: fc.boolean(),
})
const anyAction = fc.oneof(
  { weight: 6, arbitrary: anyWish.map((wish) => ({ kind: 'set' as const, ...wish })) },
  { weight: 3, arbitrary: anyPath.map((path) => ({ kind: 'delete' as const, path })) },
  { weight: 2, arbitrary: fc.constant({ kind: 'copy' as const }) },
)

it('is a Map whose values lie in two parts, and sums up one of them', () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 200, size: 'max' }), (actions) => {
      const copies: { readonly map: WishMap; readonly model: ReadonlyMap<string, Wanted> }[] = []
      let map = new WishMap()
      const model = new Map<string, Wanted>()
      for (const action of actions) {
        if (action.kind === 'copy') {
          copies.push({ map, model: new Map(model) })
          map = map.copy()
        } else if (action.kind === 'delete') {
          expect(map.delete(action.path)).toBe(model.delete(action.path))
        } else {
          const { path, size, isHeldBack, isDirectory } = action
          const entry = isDirectory ? directory(path, {}) : file(path, 'x', {}, { size })
          const wish = { ...newWish(entry, undefined), isHeldBack }
          map.set(path, wish)
          model.set(path, wish)
        }
      }
      for (const { map: some, model: same } of [...copies, { map, model }]) expectSame(some, same)
    }),
  )
})

it('can be gone through while its wishes are set', () => {
  const map = new WishMap()
  for (const path of ['a', 'b', 'c', 'd']) {
    map.set(path, { ...newWish(file(path, 'x', {}), undefined), isHeldBack: path < 'c' })
  }
  const seen: string[] = []
  for (const [path, wish] of map) {
    seen.push(path)
    map.set(path, { ...wish, attempts: 1 })
  }
  expect(seen).toEqual(['c', 'd', 'a', 'b'])
})

function expectSame(map: WishMap, model: ReadonlyMap<string, Wanted>): void {
  expect(new Map(map)).toEqual(model)
  expect(new Set(map.keys())).toEqual(new Set(model.keys()))
  expect(map.size).toBe(model.size)
  const held = [...model.values()].filter(({ isHeldBack }) => isHeldBack)
  expect(new Set(map.held.values())).toEqual(new Set(held))
  expect(map.open.size).toBe(model.size - held.length)
  expect(map.heldAmount).toEqual(amountOf(held.map(({ entry }) => entry)))
  expect(map.hasFlag(wishFlag.untried)).toBe(held.length < model.size)
  expect(map.countOf(wishFlag.untried)).toBe(model.size - held.length)
  for (const [path, wish] of model) {
    expect(map.get(path)).toBe(wish)
    expect(map.mayHoldBelow(path.slice(0, 2))).toBe(true)
  }
}
