import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyVector } from '../../testing/arbitraries.ts'
import { everybody, floorOf, type Member } from './members.ts'
import type { NodeId } from './types.ts'
import { covers, meet } from './version-vector.ts'

const names = ['a', 'b', 'c', 'd'] as readonly string[] as readonly NodeId[]
const anyMembers = fc
  .tuple(
    ...names.map((node) =>
      fc.record({ knowledge: anyVector, neighbours: fc.subarray([...names]), node: fc.constant(node) }),
    ),
  )
  .map((members): Member[] => members.map((member) => ({ ...member, version: 1 })))

const member = (node: string, ...neighbours: string[]): Member => {
  return { node: node as NodeId, version: 1, knowledge: {}, neighbours: neighbours as readonly string[] as NodeId[] }
}
const known = (...members: Member[]) => new Map(members.map((one) => [one.node, one]))

describe('everybody', () => {
  it.each<[string, Member, Member[], string | undefined]>([
    ['one alone', member('a'), [], 'a'],
    ['a line, seen from its end', member('a', 'b'), [member('b', 'a', 'c'), member('c', 'b')], 'abc'],
    ['a ring', member('a', 'b', 'c'), [member('b', 'a', 'c'), member('c', 'a', 'b')], 'abc'],
    ['a neighbour who has said nothing', member('a', 'b'), [], undefined],
    ['a neighbour of a neighbour who has said nothing', member('a', 'b'), [member('b', 'a', 'c')], undefined],
    [
      'one whom nobody counts as a neighbour any more',
      member('a', 'b'),
      [member('b', 'a'), member('c', 'a', 'b')],
      'ab',
    ],
    ['one whom only somebody else counts', member('a', 'b'), [member('b', 'a', 'c'), member('c', 'a', 'b')], 'abc'],
  ])('%s', (_, own, others, expected) => {
    const found = everybody(known(...others), own)
    expect(
      found
        ?.map(({ node }) => node)
        .sort()
        .join(''),
    ).toBe(expected)
  })

  it('holds every neighbour of everybody in it', () => {
    fc.assert(
      fc.property(anyMembers, (members) => {
        const found = new Set(everybody(known(...members), members[0] as Member)?.map(({ node }) => node))
        for (const one of members)
          if (found.has(one.node)) expect(one.neighbours.every((node) => found.has(node))).toBe(true)
      }),
    )
  })
})

describe('floorOf', () => {
  it('is covered by everybody, and covers whatever everybody covers', () => {
    fc.assert(
      fc.property(anyMembers, anyVector, (members, vector) => {
        const floor = floorOf(members)
        const haveAll = members.every(({ knowledge }) => covers(knowledge, vector))
        expect(members.every(({ knowledge }) => covers(knowledge, floor))).toBe(true)
        expect(covers(floor, vector)).toBe(haveAll)
      }),
    )
  })

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(anyVector, anyVector, (left, right) => {
        expect(meet(left, right)).toEqual(meet(right, left))
      }),
    )
  })
})
