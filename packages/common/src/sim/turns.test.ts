import { describe, expect, it } from 'vitest'
import { makeIndex, range } from '../testing/histories.ts'
import { runTurns, type Shape } from './turns.ts'

describe('histories without concurrency', () => {
  it.each<Shape>(['line', 'star', 'tree', 'ring', 'full'])(
    'make no conflict and move every content once to everybody else: %s',
    (shape) => {
      for (const seed of range(0, 80)) expect(runTurns({ seed, shape, makeIndex }), `seed ${seed}`).toEqual([])
    },
  )
})
