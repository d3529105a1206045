import type { NodeId } from '@spansync/common/core/causal/types'
import { emptyRoster, type Roster, type Statement, take } from '@spansync/common/core/roster/roster'
import type { Rotation } from '@spansync/common/core/roster/rotation'
import { describe, expect, it } from 'vitest'
import { changesFor } from './write-down.ts'

const node = (name: string): NodeId => name as NodeId
const say = (subject: string, state: 'member' | 'removed' = 'member', version = 1): Statement => ({
  ...{ subject: node(subject), name: subject, addresses: [`${subject}:1`], state, version, at: 0 },
  ...{ by: node('me'), certificate: '', signature: `${subject} ${state} ${version}` },
})
const rotate = (replaces: string, subject: string): Rotation => {
  return { subject: node(subject), replaces: node(replaces), certificate: '' }
}
const knowing = (statements: readonly Statement[], rotations: readonly Rotation[]): Roster =>
  take(emptyRoster, { statements, rotations }, { isGenuine: () => true, isTrusted: (one) => one === 'me' }).roster

type Peers = Parameters<typeof changesFor>[0]['peers']
const peers = (...ids: string[]): { peers: Peers } => {
  return { peers: Object.fromEntries(ids.map((id) => [`n-${id}`, { id, addresses: [] }])) as unknown as Peers }
}
const nothing = { gone: [], replaced: [], added: [] }
const changes = (known: readonly string[], roster: Roster, added: readonly Statement[] = []) =>
  changesFor(peers(...known), { roster, self: node('me') }, added)

describe('what the configuration takes over', () => {
  const both = [say('a'), say('b')]

  it('nothing of what it has', () => {
    expect(changes(['a', 'b'], knowing(both, []), both)).toEqual(nothing)
  })

  it('a new key, however often it was replaced', () => {
    const roster = knowing(both, [rotate('a', 'a2'), rotate('a2', 'a3')])
    expect(changes(['a', 'b'], roster)).toEqual({ ...nothing, replaced: [{ name: 'n-a', id: 'a3' }] })
    expect(changes(['a3', 'b'], roster)).toEqual(nothing)
  })

  it('a new member under the key that it has now', () => {
    const roster = knowing(both, [rotate('b', 'b2')])
    expect(changes(['a'], roster, [say('b')])).toEqual({
      ...nothing,
      added: [{ id: 'b2', name: 'b', addresses: ['b:1'] }],
    })
  })

  it('one peer of two that are the same node', () => {
    expect(changes(['a', 'a2'], knowing(both, [rotate('a', 'a2')]))).toEqual({ ...nothing, gone: ['n-a'] })
  })

  it('that a node was removed, under whichever key', () => {
    const out = [rotate('a', 'a2')]
    for (const subject of ['a', 'a2']) {
      const roster = knowing([...both, say(subject, 'removed', 2)], out)
      expect(changes(['a', 'b'], roster)).toEqual({ ...nothing, gone: ['n-a'] })
      expect(changes(['a2', 'b'], roster)).toEqual({ ...nothing, gone: ['n-a2'] })
    }
  })

  it('nothing while two claim the place of one, and the right one when a member has said which it is', () => {
    const rotations = [rotate('a', 'a2'), rotate('a', 'x')]
    for (const id of ['a', 'a2', 'x']) {
      expect(changes([id, 'b'], knowing(both, rotations))).toEqual(nothing)
      const settled = changes([id, 'b'], knowing([...both, say('a2')], rotations))
      expect(settled).toEqual(id === 'a2' ? nothing : { ...nothing, replaced: [{ name: `n-${id}`, id: 'a2' }] })
    }
  })

  it('never itself', () => {
    expect(changes(['b'], knowing([...both, say('me')], []), [say('me')])).toEqual(nothing)
  })
})
