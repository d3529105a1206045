import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeId } from '../causal/types.ts'
import { isRoomForHeir } from './room.ts'
import { emptyRoster, type Roster, type Statement, type TakeOptions, take, type Words } from './roster.ts'
import { formerIds, type Rotation } from './rotation.ts'
import { currentId, type Standing, standingOf } from './standing.ts'

const node = (name: string): NodeId => name as NodeId

function say(by: string, subject: string, more: Partial<Statement> = {}): Statement {
  const { state = 'member', version = 1 } = more
  const [addresses, signature] = [[], `${by} ${subject} ${state} ${version}`]
  const about = { subject: node(subject), name: subject, by: node(by), addresses, certificate: '', signature }
  return { ...about, at: 0, ...more, state, version }
}

const rotate = (replaces: string, subject: string): Rotation => ({
  subject: node(subject),
  replaces: node(replaces),
  certificate: '',
})

const trusting = (...peers: string[]): TakeOptions => ({
  isGenuine: () => true,
  isTrusted: (one) => peers.includes(one),
})

const hear = (roster: Roster, words: Partial<Words>, ...peers: string[]): Roster =>
  take(roster, { statements: [], ...words }, trusting(...(peers.length > 0 ? peers : ['me']))).roster
const standing = (roster: Roster, name: string): Standing => standingOf(roster, node(name))
const current = (roster: Roster, name: string): string => currentId(roster, node(name))

const members = hear(emptyRoster, { statements: [say('me', 'a'), say('me', 'b'), say('a', 'c')] })

describe('a new key', () => {
  const rotated = hear(members, { rotations: [rotate('a', 'a2')] })

  it('belongs where the old one did, which is out', () => {
    expect([standing(rotated, 'a'), standing(rotated, 'a2'), current(rotated, 'a')]).toEqual([
      'replaced',
      'member',
      'a2',
    ])
  })

  it('counts where the old one is only trusted by a person, and nothing else is known', () => {
    const roster = hear(emptyRoster, { rotations: [rotate('a', 'a2')] }, 'a')
    expect([standing(roster, 'a'), current(roster, 'a')]).toEqual(['replaced', 'a2'])
  })

  it('of a stranger is nothing to anybody', () => {
    expect(hear(members, { rotations: [rotate('x', 'x2')] }).rotations.size).toBe(0)
  })

  it('may be replaced in turn, heard in any order', () => {
    const roster = hear(members, { rotations: [rotate('a2', 'a3'), rotate('a', 'a2')] })
    expect([current(roster, 'a'), current(roster, 'a2'), standing(roster, 'a3')]).toEqual(['a3', 'a3', 'member'])
    expect(formerIds(roster.rotations, node('a3'))).toEqual(['a2', 'a'])
  })

  it('speaks for the node from now on, and the old one no longer', () => {
    expect(standing(hear(rotated, { statements: [say('a', 'x')] }), 'x')).toBe('unknown')
    expect(standing(hear(rotated, { statements: [say('a2', 'x')] }), 'x')).toBe('member')
  })

  it('does not come back by a word of the old one on itself, nor by anybody’s invitation', () => {
    const thief = hear(members, { statements: [say('a', 'a', { version: 9 })] })
    expect(standing(hear(thief, { rotations: [rotate('a', 'a2')] }), 'a')).toBe('replaced')
    expect(standing(hear(rotated, { statements: [say('b', 'a', { version: 9 })] }), 'a')).toBe('replaced')
  })

  it.each([
    ['the old one first', ['a', 'a2']],
    ['the new one first', ['a2', 'a']],
  ] as const)('gives nobody more removals than he had, %s', (_what, [one, other]) => {
    const many = hear(rotated, { statements: ['d', 'e', 'f', 'g'].map((name) => say('me', name)) })
    const out = (by: string, subject: string): Statement => say(by, subject, { state: 'removed', version: 2 })
    const statements = [out(one, 'd'), out(one, 'e'), out(other, 'f'), out(other, 'g')]
    const states = ['removed', 'removed', 'removed', 'member']
    expect(['d', 'e', 'f', 'g'].map((name) => standing(hear(many, { statements }), name))).toEqual(states)
    const oneByOne = statements.reduce((roster, word) => hear(roster, { statements: [word] }), many)
    expect(['d', 'e', 'f', 'g'].map((name) => standing(oneByOne, name))).toEqual(states)
  })

  it('that is contested has no more removals, either, than the two together had', () => {
    const both = hear(rotated, { rotations: [rotate('a', 'x')], statements: [say('me', 'a2')] })
    const many = hear(both, { statements: ['d', 'e', 'f', 'g'].map((name) => say('me', name)) })
    const out = (by: string, subject: string): Statement => say(by, subject, { state: 'removed', version: 2 })
    const roster = hear(many, { statements: [out('x', 'd'), out('a2', 'e'), out('x', 'f'), out('a', 'g')] })
    expect(['d', 'e', 'f', 'g'].filter((name) => standing(roster, name) === 'removed')).toHaveLength(3)
  })

  it('is out when the node is removed, also by a member that knows the old one only', () => {
    const removed = hear(rotated, { statements: [say('b', 'a', { state: 'removed', version: 2 })] })
    expect([standing(removed, 'a2'), current(removed, 'a')]).toEqual(['removed', 'removed'])
    // Whoever invites it again says so of the new key, by name.
    expect(standing(hear(removed, { statements: [say('b', 'a2')] }), 'a2')).toBe('member')
  })
})

describe('two new keys for one', () => {
  const both = hear(members, { rotations: [rotate('a', 'a2'), rotate('a', 'x')] })

  it('are both out: one of them is a thief’s', () => {
    expect(['a', 'a2', 'x'].map((one) => standing(both, one))).toEqual(['replaced', 'contested', 'contested'])
    expect(['a', 'a2', 'x'].map((one) => current(both, one))).toEqual(['contested', 'contested', 'contested'])
  })

  it('take out what came after them', () => {
    expect(standing(hear(both, { rotations: [rotate('a2', 'a3')] }), 'a3')).toBe('contested')
  })

  it('end when a member vouches for one by name', () => {
    const settled = hear(both, { statements: [say('b', 'a2')] })
    expect(['a', 'a2', 'x'].map((one) => standing(settled, one))).toEqual(['replaced', 'member', 'contested'])
    expect(['a', 'a2', 'x'].map((one) => current(settled, one))).toEqual(['a2', 'a2', 'a2'])
    const more = hear(settled, { rotations: [rotate('a', 'y')] })
    expect([standing(more, 'a2'), standing(more, 'y')]).toEqual(['member', 'contested'])
  })

  it('meet also where a person has set the peer, which has its new key by then, and there is no list', () => {
    for (const [first, second] of [
      ['a2', 'x'],
      ['x', 'a2'],
    ] as const) {
      const roster = hear(emptyRoster, { rotations: [rotate('a', first)] }, 'a')
      const met = hear(roster, { rotations: [rotate('a', second)] }, first)
      expect(['a', 'a2', 'x'].map((one) => standing(met, one))).toEqual(['replaced', 'contested', 'contested'])
    }
  })

  it('are kept up to a bound: what was taken is never forgotten for others', () => {
    const rotations = Array.from({ length: 50 }, (_, at) => rotate('a', `x${at}`))
    const roster = hear(hear(members, { rotations: [rotate('a', 'a2')] }), { rotations })
    expect([roster.rotations.size, roster.rotations.has(node('a2'))]).toEqual([8, true])
  })
})

describe('the room for new keys', () => {
  /** All that the holder of one key can make: so many for each, and so deep. */
  function allAfter(first: string): Rotation[] {
    const found: Rotation[] = []
    for (let open = [first]; found.length < 1200; ) {
      const next = open.flatMap((before) => Array.from({ length: 8 }, (_, at) => rotate(before, `${before}.${at}`)))
      found.push(...next)
      open = next.map(({ subject }) => subject)
    }
    return found
  }

  it('is not to be filled by one member for all', () => {
    const full = hear(members, { rotations: allAfter('b') })
    expect(full.rotations.size).toBeLessThan(50)
    expect(current(hear(full, { rotations: [rotate('a', 'a2')] }), 'a')).toBe('a2')
  })

  it('is enough for all keys that a node can have, and is the same for one that a member has named', () => {
    const lineage = (from: string): Rotation[] =>
      Array.from({ length: 7 }, (_, at) => rotate(at === 0 ? from : `${from}-${at}`, `${from}-${at + 1}`))
    expect(current(hear(members, { rotations: lineage('a') }), 'a')).toBe('a-7')
    const thief = hear(members, { rotations: [rotate('a', 'a2'), ...allAfter('a')] })
    expect(isRoomForHeir(thief, node('a2'))).toBe(false)
    const settled = hear(thief, { statements: [say('b', 'a2')] })
    expect(isRoomForHeir(settled, node('a2'))).toBe(true)
    expect(current(hear(settled, { rotations: lineage('a2') }), 'a')).toBe('a2-7')
  })
})

describe('laws', () => {
  const ids = ['a', 'b', 'a2', 'a3', 'x', 'b2']
  const rotation = fc.constantFrom(rotate('a', 'a2'), rotate('a', 'x'), rotate('a2', 'a3'), rotate('b', 'b2'))
  const statement = fc
    .tuple(fc.constantFrom(...ids), fc.integer({ min: 1, max: 3 }), fc.boolean())
    .map(([subject, version, isIn]) => say('me', subject, { version, state: isIn ? 'member' : 'removed' }))
    .filter(({ subject }) => subject !== node('me'))
  const word = fc.oneof(rotation, statement)
  const base = hear(emptyRoster, { statements: [say('me', 'a'), say('me', 'b')] })
  const unbounded: TakeOptions = { isGenuine: () => true, isTrusted: (one) => ['me', ...ids].includes(one) }
  const one = (roster: Roster, what: Rotation | Statement): Roster =>
    take(roster, 'replaces' in what ? { statements: [], rotations: [what] } : { statements: [what] }, unbounded).roster
  const verdict = (roster: Roster) =>
    ids.map((id) => [id, standingOf(roster, node(id)), currentId(roster, node(id))] as const)
  // One member's removals are bounded: that is tried above.
  const words = fc.array(word, { maxLength: 14 }).filter((all) => removals(all) <= 3)

  it('whoever has heard the same says the same of everybody, in whatever order it came', () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(), { minLength: 14, maxLength: 14 }), (all, order) => {
        const shuffled = all
          .map((what, at) => ({ what, key: order[at] ?? 0 }))
          .sort((left, right) => left.key - right.key)
          .map(({ what }) => what)
        expect(verdict(shuffled.reduce(one, base))).toEqual(verdict(all.reduce(one, base)))
      }),
      { numRuns: 2000 },
    )
  })

  it('heard twice is heard once', () => {
    fc.assert(
      fc.property(words, (all) => {
        const roster = all.reduce(one, base)
        expect(verdict([...all, ...all].reduce(one, roster))).toEqual(verdict(roster))
      }),
    )
  })

  it('a key that was replaced never counts again, whatever is heard', () => {
    fc.assert(
      fc.property(words, (all) => {
        let roster = base
        const dead = new Set<NodeId>()
        for (const what of all) {
          roster = one(roster, what)
          for (const { replaces } of roster.rotations.values()) dead.add(replaces)
          for (const id of dead) expect(standingOf(roster, id)).toBe('replaced')
        }
      }),
    )
  })

  it('at most one key of a node is in by its lineage', () => {
    fc.assert(
      fc.property(fc.array(rotation, { maxLength: 8 }), (all) => {
        const roster = all.reduce(one, base)
        const isIn = (id: string): boolean => standingOf(roster, node(id)) === 'member'
        expect(['a', 'a2', 'a3', 'x'].filter(isIn).length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

function removals(words: readonly (Rotation | Statement)[]): number {
  const out = words.flatMap((one) => ('state' in one && one.state === 'removed' ? [one.subject] : []))
  return new Set(out).size
}
