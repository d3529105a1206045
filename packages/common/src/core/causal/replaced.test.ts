import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyPair } from '../../testing/arbitraries.ts'
import { file, tombstone } from '../../testing/entries.ts'
import { adopted, changed } from './change.ts'
import { need, winner } from './need.ts'
import { beatenIn, isReplaced, joinDots } from './replaced.ts'
import { type Dot, type Entry, mostDots, type ReplicaId } from './types.ts'

const dot = (replica: string, counter: number): Dot => [replica as ReplicaId, counter]
const often = { numRuns: 1000 }

describe('isReplaced', () => {
  const one = file('f', 'one', { 'a.1': 1 })

  it.each<[string, Entry, boolean]>([
    ['by what was written over it', file('f', 'two', { 'a.1': 1, 'b.1': 1 }, { dots: [dot('b.1', 1)] }), true],
    ['by its deletion', tombstone('f', { 'a.1': 1, 'b.1': 1 }, { dots: [dot('b.1', 1)] }), true],
    ['not by what has never seen it', file('f', 'two', { 'b.1': 1 }), false],
    [
      'not by what won a conflict with it',
      file('f', 'two', { 'a.1': 1, 'b.1': 1, 'c.1': 1 }, { dots: [dot('b.1', 1)], beaten: [dot('a.1', 1)] }),
      false,
    ],
    ['not by itself', one, false],
  ])('%s', (_, by, expected) => {
    expect(isReplaced(one, by)).toBe(expected)
  })
})

describe('beatenIn', () => {
  it('leaves open what both leave open, or one does and the other has not seen', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        const named = (dots: readonly Dot[] = []): string[] => dots.map((one) => one.join(':'))
        const open = (entry: Entry): string[] => [...named(entry.dots), ...named(entry.beaten)]
        const isOpenIn = (one: string, { vector }: Entry, among: string[]): boolean => {
          const [replica, counter] = one.split(':') as [string, string]
          return among.includes(one) || (vector[replica] ?? 0) < Number(counter)
        }
        const expected = [...new Set([...open(left), ...open(right)])]
          .filter((one) => isOpenIn(one, left, open(left)) && isOpenIn(one, right, open(right)))
          .filter((one) => !named(right.dots).includes(one))
        expect(named(beatenIn(right, left))).toEqual(expected.sort())
      }),
      often,
    )
  })

  it('is bounded, whatever peers send', () => {
    const many = (replica: string): Dot[] => Array.from({ length: mostDots }, (_, at) => dot(replica, at + 1))
    const one = file('f', 'one', { 'a.1': 9999 }, { dots: [dot('a.1', 9999)], beaten: many('a.1') })
    const other = file('f', 'other', { 'b.1': 9999 }, { dots: [dot('b.1', 9999)], beaten: many('b.1') })
    expect(beatenIn(one, other)).toHaveLength(mostDots)
    expect(joinDots(many('a.1'), many('b.1'))).toHaveLength(mostDots)
  })

  it('is what the version has that wins', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        fc.pre(need(left, right).kind === 'resolve')
        const beaten = beatenIn(right, left)
        expect(adopted(left, right, undefined, () => dot('x', 9))?.beaten ?? []).toEqual(beaten)
        for (const one of beaten)
          expect([...left.dots, ...(left.beaten ?? []), ...(right.beaten ?? [])]).toContainEqual(one)
        expect(right.dots.some((made) => beaten.some(([replica, at]) => replica === made[0] && at === made[1]))).toBe(
          false,
        )
      }),
      often,
    )
  })
})

/** Three versions can beat each other in a circle: one is deleted, an edit that had not seen it beats the deletion, and loses against it
 *  by its time. */
describe('what somebody deleted', () => {
  const base = file('f', 'base', { 'n0.1': 1 })
  const edit = file('f', 'edit', { 'n2.1': 1 }, { mtimeUs: base.mtimeUs - 1 })
  const deletion = changed('f', base, undefined, dot('n1.1', 1))

  const settled = (local: Entry, remote: Entry, by: string): Entry => {
    const [here, there] = need(local, remote).kind === 'resolve' ? [local, remote] : [remote, local]
    return adopted(here, there, undefined, () => dot(by, 2)) as Entry
  }

  it('does not come back by way of an edit that is older', () => {
    const kept = settled(base, edit, 'n2.1')
    const survived = settled(deletion, edit, 'n1.1')
    expect(kept).toMatchObject({ hash: 'base', beaten: [['n2.1', 1]] })
    expect(survived).toMatchObject({ hash: 'edit', beaten: [['n1.1', 1]] })
    expect(winner(kept, survived)).toEqual({ side: 'remote', seen: true })
    const gone = settled(deletion, kept, 'n3.1')
    expect(gone).toMatchObject({ deleted: true, beaten: [['n2.1', 1]] })
    expect(settled(gone, survived, 'n4.1')).toMatchObject({ hash: 'edit' })
  })
})
