import { describe, expect, it } from 'vitest'
import { makeIndex, range, runKind } from '../testing/histories.ts'
import { mutants } from '../testing/mutants.ts'
import { runTurns } from './turns.ts'

type Name = keyof typeof mutants
type Kind = 'plain' | 'faults' | 'collects' | 'orders' | 'filters' | 'turns'

/** How each broken rule must come to light, and where: of what happens in one of thousands only, from which seed on. */
const expected: Record<Name, readonly [kind: Kind, words: RegExp, from?: number]> = {
  'knowledge rises although a path failed': ['faults', /^meanwhile: .* knows .* but its .* is older/],
  'a page that is not the last counts as the last': ['plain', /^meanwhile: .* knows .* but its .* is older/],
  'no conflict copy is kept': ['plain', /is lost/],
  'a copy that failed counts as kept': ['faults', /is lost/],
  'a tombstone counts as never seen': ['plain', /is older|not quiet/],
  'a deletion beats an edit': ['plain', /is lost/],
  'who settles a conflict takes no new dot': ['plain', /not quiet|differ/],
  'whose content was replaced knowingly does not count': ['plain', /rose from the dead/],
  'what only lost a conflict counts as replaced': ['plain', /rose from the dead/, 2600],
  'an echo counts as an edit': ['turns', /took the change of .* for its own/],
  'what a session brings meanwhile counts as an edit': ['plain', /rose from the dead|is lost/],
  'two peers are asked for one path': ['turns', /was moved 2 times, not 1/],
  'what did not arrive is adopted': ['faults', /is lost|the index is wrong/],
  'counters repeat': ['plain', /is lost|rose from the dead/],
  'a tombstone goes when this replica alone has it': ['collects', /dropped the tombstone of .*, which/],
  'a member that is away does not count': ['collects', /dropped the tombstone of .*, which/],
  'what was dropped counts as new': ['collects', /rose from the dead/],
  'what a peer has dropped is not heard': ['collects', /knows .* but its .* is older|rose from the dead/],
  'knowledge rises before the list has been seen': ['collects', /knows .* but its .* is older/],
  'who was led waits for orders for ever': ['orders', /differ|not quiet/],
  'a peer that syncs directly again is not heard': ['orders', /differ|not quiet/],
  'policy holds nothing back': ['filters', /asked .* for .*, which policy (of the peer )?holds back/],
  'what the peer holds back is not heard': ['filters', /asked .* for .*, which policy of the peer holds back/],
  'what is held back counts as known': ['filters', /knows .* but its .* is older/],
  'what may pass again is not told again': ['filters', /asked .* for .*, which policy holds back|differ/],
  'rmdir takes what is inside along': ['faults', /is lost/],
}

const most = 1000

function caughtAt(name: Name): number | undefined {
  const [kind, words, from = 0] = expected[name]
  for (const seed of range(from, from + most))
    if (violations(kind, seed, name).some((text) => words.test(text))) return seed
  return undefined
}

function violations(kind: Kind, seed: number, name: Name): readonly string[] {
  const parts = mutants[name]
  return kind === 'turns'
    ? runTurns({ seed, shape: 'ring', makeIndex, ...parts })
    : runKind(kind, seed, parts).violations
}

describe('the checks notice when', () => {
  it.each(Object.keys(expected) as Name[])('%s', (name) => {
    expect(caughtAt(name)).toBeDefined()
  })
})
