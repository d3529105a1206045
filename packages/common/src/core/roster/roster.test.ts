import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeId } from '../causal/types.ts'
import { emptyRoster, type Roster, type Statement, type TakeOptions, take as takeWords, unvouched } from './roster.ts'

const node = (name: string): NodeId => name as NodeId

function say(by: string, subject: string, more: Partial<Statement> = {}): Statement {
  const version = more.version ?? 1
  const state = more.state ?? 'member'
  return {
    subject: node(subject),
    name: subject,
    addresses: [],
    state,
    version,
    at: 0,
    by: node(by),
    certificate: '',
    signature: `${by} ${subject} ${state} ${version}`,
    ...more,
  }
}

/** Of a node whose own peers are these. */
const trusting = (...peers: string[]): TakeOptions => ({
  isGenuine: ({ signature }) => signature !== 'forged',
  isTrusted: (one) => peers.includes(one),
})

const take = (roster: Roster, statements: readonly Statement[], options: TakeOptions) =>
  takeWords(roster, { statements }, options)

const names = (roster: Roster): string[] =>
  [...roster.statements.values()]
    .filter(({ subject, state }) => state === 'member' && subject !== node('self'))
    .map(({ name }) => name)
    .sort()

describe('whom it takes for a member', () => {
  it('whom a peer vouches for, and whom those vouch for, in whatever order it hears of them', () => {
    const { roster, news } = take(emptyRoster, [say('b', 'c'), say('c', 'd'), say('a', 'b')], trusting('a'))
    expect([names(roster), news.statements.length]).toEqual([['b', 'c', 'd'], 3])
  })

  it('nobody whom only strangers vouch for, or each other', () => {
    const { roster, refused } = take(emptyRoster, [say('x', 'y'), say('y', 'x')], trusting('a'))
    expect([roster.statements.size, refused.length]).toEqual([0, 2])
  })

  it('nobody by a forged word', () => {
    const { roster, refused } = take(emptyRoster, [say('a', 'b', { signature: 'forged' })], trusting('a'))
    expect([roster.statements.size, refused.length]).toEqual([0, 1])
  })
})

describe('a removal', () => {
  const members = take(emptyRoster, [say('a', 'b'), say('b', 'c')], trusting('a')).roster

  it('holds against what was said before, however late that comes', () => {
    const { roster } = take(members, [say('b', 'c', { state: 'removed', version: 2 })], trusting('a'))
    expect(names(take(roster, [say('a', 'c', { version: 2 }), say('a', 'c')], trusting('a')).roster)).toEqual(['b'])
  })

  it('ends with a new invitation', () => {
    const { roster } = take(members, [say('b', 'c', { state: 'removed', version: 2 })], trusting('a'))
    expect(names(take(roster, [say('a', 'c', { version: 3 })], trusting('a')).roster)).toEqual(['b', 'c'])
  })

  it('takes away the word of whoever is removed, also when he is a peer of old', () => {
    const { roster } = take(members, [say('b', 'a', { state: 'removed', version: 2 })], trusting('a'))
    expect(take(roster, [say('a', 'x'), say('a', 'a', { version: 9 })], trusting('a'))).toMatchObject({
      news: { statements: [] },
    })
  })

  it('of two who remove each other takes both out, whichever is heard first', () => {
    const both = [say('b', 'c', { state: 'removed', version: 2 }), say('c', 'b', { state: 'removed', version: 2 })]
    for (const order of [both, both.toReversed()]) {
      const last = order.reduce((roster, one) => take(roster, [one], trusting('a')).roster, members)
      expect(names(last)).toEqual([])
    }
  })

  it('is not to be had for all by one member alone', () => {
    const many = take(
      emptyRoster,
      ['b', 'c', 'd', 'e', 'f'].map((one) => say('a', one)),
      trusting('a'),
    ).roster
    const all = ['c', 'd', 'e', 'f'].map((one) => say('b', one, { state: 'removed', version: 2 }))
    expect(names(take(many, all, trusting('a')).roster)).toEqual(['b', 'f'])
  })

  it('cannot be made final by its version', () => {
    const { refused } = take(members, [say('b', 'c', { state: 'removed', version: 1_000_000_000 })], trusting('a'))
    expect(refused).toHaveLength(1)
  })

  it('leaves members for whom somebody has to vouch anew', () => {
    const { roster } = take(members, [say('a', 'b', { state: 'removed', version: 2 })], trusting('a'))
    expect(unvouched(roster).map(({ name }) => name)).toEqual(['c'])
    const again = take(roster, [say('a', 'c', { version: 2 })], trusting('a')).roster
    expect(unvouched(again)).toEqual([])
    // Whoever comes later and trusts only its inviter has the same list.
    expect(names(take(emptyRoster, [...again.statements.values()].toReversed(), trusting('a')).roster)).toEqual(['c'])
  })

  it('leaves in place whom he had vouched for before', () => {
    const { roster } = take(members, [say('a', 'b', { state: 'removed', version: 2 })], trusting('a'))
    expect(names(roster)).toEqual(['c'])
  })
})

it('lists that have met are equal, whatever came first', () => {
  const who = fc.constantFrom('a', 'b', 'c', 'd')
  const statement = fc
    .tuple(who, who, fc.integer({ min: 1, max: 4 }), fc.boolean())
    .map(([by, subject, version, isIn]) => {
      return say(by, subject, { version, state: isIn ? 'member' : 'removed' })
    })
  // All are trusted, and nobody's removal takes his word away: what is left is the choice between statements.
  const everybody: TakeOptions = { isGenuine: () => true, isTrusted: () => true }
  const words = fc
    .array(statement, { maxLength: 12 })
    .map((all) => all.filter(({ by, subject }) => by === 'a' && subject !== 'a'))
  fc.assert(
    fc.property(words, fc.infiniteStream(fc.nat()), (all, order) => {
      const keys = new Map(all.map((one) => [one, order.next().value ?? 0]))
      const shuffled = [...all].sort((left, right) => (keys.get(left) ?? 0) - (keys.get(right) ?? 0))
      const oneByOne = shuffled.reduce<Roster>((roster, one) => take(roster, [one], everybody).roster, emptyRoster)
      const inOrder = (roster: Roster) =>
        [...roster.statements.values()].sort((left, right) => (left.subject < right.subject ? -1 : 1))
      expect(inOrder(oneByOne)).toEqual(inOrder(take(emptyRoster, all, everybody).roster))
    }),
  )
})
