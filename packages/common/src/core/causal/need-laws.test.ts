import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEntry, anyPair } from '../../testing/arbitraries.ts'
import { sameEntry } from './content.ts'
import { need, winner } from './need.ts'
import type { Dot, Entry, ReplicaId } from './types.ts'
import { compare } from './version-vector.ts'

const often = { numRuns: 1000 }
const dot = (replica: string, counter: number): Dot => [replica as ReplicaId, counter]

describe('need', () => {
  it('is the same question from both sides', () => {
    const answers = {
      nothing: ['nothing', 'adopt', 'take'],
      adopt: ['nothing'],
      take: ['nothing'],
      merge: ['merge'],
      resolve: ['wait'],
      wait: ['resolve'],
    }
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        expect(answers[need(left, right).kind]).toContain(need(right, left).kind)
      }),
      often,
    )
  })

  it('settles a conflict on exactly one side, and only there', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        const order = compare(left.vector, right.vector)
        const isConflict = (order === 'concurrent' || order === 'equal') && !sameEntry(left, right)
        const resolving = [need(left, right), need(right, left)].filter(({ kind }) => kind === 'resolve')
        expect(resolving).toHaveLength(isConflict ? 1 : 0)
      }),
      often,
    )
  })

  it('never moves data for equal content', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        fc.pre(sameEntry(left, right))
        expect(['nothing', 'adopt', 'merge']).toContain(need(left, right).kind)
      }),
      often,
    )
  })

  it('keeps a copy of all bytes that nobody has seen and replaced', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        const answer = need(left, right)
        fc.pre(answer.kind === 'resolve')
        const loses =
          !left.deleted &&
          left.kind !== 'dir' &&
          (right.deleted || right.kind !== left.kind || right.hash !== left.hash)
        expect(answer).toEqual({ kind: 'resolve', keep: loses && !winner(left, right).seen })
      }),
      often,
    )
  })
})

describe('winner', () => {
  it('is one, and the same whichever side is local', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        fc.pre(!sameEntry(left, right))
        const [here, there] = [winner(left, right), winner(right, left)]
        expect(here.side === 'local').toBe(there.side === 'remote')
        expect(here.seen).toBe(there.seen)
      }),
      often,
    )
  })

  it('depends on nothing but the two entries', () => {
    fc.assert(
      fc.property(anyPair, fc.string(), ([left, right], path) => {
        const renamed = winner({ ...left, path, size: 7 }, { ...right, path, size: 8 })
        expect(renamed).toEqual(winner(left, right))
      }),
      often,
    )
  })

  it('without knowledge of each other an edit beats a deletion, and a directory everything alive', () => {
    fc.assert(
      fc.property(anyEntry, anyEntry, (left, right) => {
        const [x, y] = [
          { ...left, dots: [dot('x', 9)] },
          { ...right, dots: [dot('y', 9)] },
        ]
        if (x.deleted !== y.deleted) expect(winner(x, y).side).toBe(x.deleted ? 'remote' : 'local')
        else if ((x.kind === 'dir') !== (y.kind === 'dir'))
          expect(winner(x, y).side).toBe(x.kind === 'dir' ? 'local' : 'remote')
      }),
      often,
    )
  })

  it('is transitive among entries that do not know each other, so that many replicas agree', () => {
    fc.assert(
      fc.property(anyEntry, anyEntry, anyEntry, (x, y, z) => {
        fc.pre(!sameEntry(x, y) && !sameEntry(y, z) && !sameEntry(x, z))
        const alone = (entry: Entry, replica: string): Entry => ({ ...entry, dots: [dot(replica, 9)] })
        const [a, b, c] = [alone(x, 'r0'), alone(y, 'r1'), alone(z, 'r2')]
        const beats = (left: Entry, right: Entry): boolean => winner(left, right).side === 'local'
        if (beats(a, b) && beats(b, c)) expect(beats(a, c)).toBe(true)
      }),
      often,
    )
  })
})
