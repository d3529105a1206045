import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OverlayMap } from './overlay-map.ts'

interface Act {
  readonly kind: 'set' | 'delete' | 'copy'
  readonly key: number
}

const act = fc.record<Act>({ kind: fc.constantFrom('set', 'set', 'delete', 'copy'), key: fc.nat(60) })
const sorted = (map: ReadonlyMap<number, object>) => [...map].sort(([left], [right]) => left - right)

it('is what a Map would be, and a copy is nobody else’s', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 400 }), (acts) => {
      let [map, model] = [new OverlayMap<number, object>(), new Map<number, object>()]
      const earlier: [ReadonlyMap<number, object>, ReadonlyMap<number, object>][] = []
      for (const [at, { kind, key }] of acts.entries()) {
        if (kind === 'copy') {
          earlier.push([map, new Map(model)])
          map = new OverlayMap(map)
        } else if (kind === 'set') {
          map.set(key, { at })
          model.set(key, { at })
        } else expect(map.delete(key)).toBe(model.delete(key))
        expect([map.get(key), map.has(key), map.size]).toEqual([model.get(key), model.has(key), model.size])
      }
      for (const [copy, wanted] of [...earlier, [map, model] as const]) expect(sorted(copy)).toEqual(sorted(wanted))
    }),
  )
})

it('can be copied from a Map, and visited like one', () => {
  const value = { of: 'a' }
  const map = new OverlayMap(new Map([['a', value]]))
  const seen: unknown[] = []
  map.forEach((...visited) => void seen.push(visited))
  expect([[...map.keys()], [...map.values()], seen]).toEqual([['a'], [value], [[value, 'a', map]]])
})
