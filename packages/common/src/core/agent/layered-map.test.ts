import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LayeredMap } from './layered-map.ts'

const isOdd = 1
const isLarge = 2
const flagsOf = (value: number): number => (value % 2 === 1 ? isOdd : 0) | (value > 50 ? isLarge : 0)

const anyPath = fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 5 })).map(([at, dir]) => `d${dir}/e/f${at}`)
const anyAction = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), path: anyPath, value: fc.nat({ max: 99 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), path: anyPath }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const) }) },
)
const anyActions = fc.array(anyAction, { maxLength: 300, size: 'max' })
type Action = ReturnType<(typeof anyActions)['generate']>['value'][number]

function apply(map: LayeredMap<number>, model: Map<string, number>, action: Action): LayeredMap<number> {
  if (action.kind === 'copy') return map.copy()
  if (action.kind === 'set') {
    map.set(action.path, action.value)
    model.set(action.path, action.value)
  } else {
    expect(map.delete(action.path)).toBe(model.delete(action.path))
  }
  return map
}

function expectSame(map: LayeredMap<number>, model: ReadonlyMap<string, number>): void {
  expect([...map]).toEqual([...model])
  expect([...map.keys()]).toEqual([...model.keys()])
  expect([...map.values()]).toEqual([...model.values()])
  expect(map.size).toBe(model.size)
  const values = [...model.values()]
  expect(map.hasFlag(isOdd)).toBe(values.some((value) => value % 2 === 1))
  expect(map.hasFlag(isLarge)).toBe(values.some((value) => value > 50))
  expect(map.hasFlag(isOdd | isLarge)).toBe(values.some((value) => value % 2 === 1 || value > 50))
  for (const path of model.keys()) {
    expect(map.get(path)).toBe(model.get(path))
    expect(map.mayHoldBelow(path.slice(0, 2))).toBe(true)
    expect(map.mayHoldBelow(path.slice(0, 4))).toBe(true)
  }
}

describe('LayeredMap', () => {
  it('is a Map, in its order, with many copies in between', () => {
    fc.assert(
      fc.property(anyActions, (actions) => {
        let map = new LayeredMap(flagsOf)
        const model = new Map<string, number>()
        for (const action of actions) map = apply(map, model, action)
        expectSame(map, model)
        expectSame(map.copy(), model)
      }),
    )
  })

  it('leaves what a copy was made of as it was', () => {
    fc.assert(
      fc.property(anyActions, anyActions, (before, after) => {
        const map = new LayeredMap(flagsOf)
        const model = new Map<string, number>()
        for (const action of before) if (action.kind !== 'copy') apply(map, model, action)
        const then = new Map(model)
        let copy = map.copy()
        for (const action of after) copy = apply(copy, model, action)
        expectSame(map, then)
        expectSame(copy, model)
      }),
    )
  })

  it('may be changed while it is walked through', () => {
    const map = new LayeredMap(flagsOf)
    for (let at = 0; at < 200; at++) map.set(`d/f${at}`, at)
    const copy = map.copy()
    for (const [path, value] of copy) {
      if (value % 2 === 1) copy.delete(path)
      copy.delete(`d/f${value + 2}`)
    }
    expect([...copy.values()]).toEqual(Array.from({ length: 50 }, (_, at) => 4 * at))
  })

  it('knows of no path below once it has been empty', () => {
    const map = new LayeredMap(flagsOf).set('d/e/f', 1)
    expect(map.mayHoldBelow('d')).toBe(true)
    expect(map.mayHoldBelow('d/e/f')).toBe(false)
    map.delete('d/e/f')
    expect(map.copy().mayHoldBelow('d')).toBe(false)
  })
})
