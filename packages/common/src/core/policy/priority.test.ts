import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FolderId } from '../causal/types.ts'
import { type Contender, lookAgain, type Progress, stuckMs, waiting } from './priority.ts'

const now = 1_000_000
const at = (name: string, priority: number, some: Partial<Contender> = {}): Contender => ({
  folder: name as FolderId,
  priority,
  work: 'now',
  movedAt: now,
  ...some,
})

describe('who waits for whom', () => {
  test.each<[string, readonly Contender[], Record<string, string>]>([
    ['nobody among equals', [at('a', 3), at('b', 3)], {}],
    ['the lower for the higher', [at('a', 0), at('b', 1)], { a: 'b' }],
    ['all for the highest', [at('a', -1), at('b', 1), at('c', 0)], { a: 'b', c: 'b' }],
    ['those below two equals for the first of them', [at('c', 0), at('b', 1), at('a', 1)], { c: 'a' }],
    ['nobody for one that has nothing to pass', [at('a', 0), at('b', 1, { work: 'none' })], {}],
    ['nobody for one that the peer lets not pass now', [at('a', 0), at('b', 1, { work: 'not_now' })], {}],
    ['nobody for one that is stuck', [at('a', 0), at('b', 1, { movedAt: now - stuckMs })], {}],
    ['for one that got on just in time', [at('a', 0), at('b', 1, { movedAt: now - stuckMs + 1 })], { a: 'b' }],
    ['for the next when the highest is stuck', [at('a', 0), at('b', 2, { movedAt: 0 }), at('c', 1)], { a: 'c' }],
    ['a stuck one itself waits', [at('a', 0, { movedAt: 0 }), at('b', 1)], { a: 'b' }],
    ['one that the peer lets not pass now waits, too', [at('a', 0, { work: 'not_now' }), at('b', 1)], { a: 'b' }],
    ['one that has nothing to pass need not wait', [at('a', 0, { work: 'none' }), at('b', 1)], {}],
    ['none at all', [], {}],
  ])('%s', (_what, contenders, expected) => {
    expect(Object.fromEntries(waiting(contenders, now))).toEqual(expected)
  })

  test('of those that get on, the highest waits for nobody, and nobody waits for a lower one', () => {
    const any: fc.Arbitrary<Contender> = fc.record({
      folder: fc.string({ minLength: 1, maxLength: 2 }).map((name) => name as FolderId),
      priority: fc.integer({ min: -3, max: 3 }),
      work: fc.constantFrom('none' as const, 'not_now' as const, 'now' as const),
      movedAt: fc.constantFrom(undefined, now, now - stuckMs),
    })
    fc.assert(
      fc.property(fc.uniqueArray(any, { selector: ({ folder }) => folder }), (contenders) => {
        const found = waiting(contenders, now)
        expect(waiting([...contenders].reverse(), now)).toEqual(found)
        const priorityOf = new Map(contenders.map(({ folder, priority }) => [folder, priority]))
        for (const [folder, first] of found) {
          expect(priorityOf.get(first)).toBeGreaterThan(priorityOf.get(folder) as number)
          expect(found.has(first)).toBe(false)
        }
      }),
    )
  })
})

describe('getting on', () => {
  const look = (before: Progress | undefined, bytes: number, seconds: number, work: Progress['work'] = 'now') =>
    lookAgain(before, { work, bytes, now: seconds * 1000 })

  test('begins with something to pass, and goes on with bytes', () => {
    const begun = look(undefined, 500, 1)
    expect(begun.movedAt).toBe(1000)
    expect(look(begun, 500, 5).movedAt).toBe(1000)
    const moved = look(begun, 500 + 20_000, 5)
    expect(moved.movedAt).toBe(5000)
    expect(look(moved, 500 + 20_000, 9).movedAt).toBe(5000)
  })

  test('tries that fail are not getting on, and a slow link is', () => {
    let failing = look(undefined, 0, 0)
    for (let second = 1; second < 10; second++) failing = look(failing, second * 1000, second)
    expect(failing.movedAt).toBe(0)
    let slow = look(undefined, 0, 0)
    for (let second = 1; second < 10; second++) slow = look(slow, second * 3000, second)
    expect(slow.movedAt).toBe(6000)
  })

  test('ends when nothing is left, and begins anew', () => {
    const done = look(look(undefined, 0, 0), 0, 3, 'none')
    expect(done.movedAt).toBeUndefined()
    expect(look(done, 0, 60).movedAt).toBe(60_000)
    expect(look(look(undefined, 90_000, 0), 0, 4).movedAt).toBe(4000)
  })
})
