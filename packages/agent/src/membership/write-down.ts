import type { ConfigEditor } from '@spansync/common/config/edit'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Roster, Statement } from '@spansync/common/core/roster/roster'
import { firstIdOf } from '@spansync/common/core/roster/rotation'
import { currentId } from '@spansync/common/core/roster/standing'
import { forgetPeer, type NewPeer, nameOfPeer, putPeers, replacePeerId } from './peers.ts'

/** What the configuration has to take over of the member list. */
export interface Changes {
  /** Names of peers that were removed, or are there twice. */
  readonly gone: readonly string[]
  /** Peers with a new key. */
  readonly replaced: readonly { readonly name: string; readonly id: NodeId }[]
  readonly added: readonly NewPeer[]
}

export interface Own {
  readonly roster: Roster
  readonly self: NodeId
}

/** `added`: members that were not known before. Those whose key is in two hands stay in the configuration, where nothing links with them:
 *  when that is settled, what a person has set of them counts again. */
export function changesFor({ peers }: Pick<Config, 'peers'>, own: Own, added: readonly Statement[]): Changes {
  const { roster, self } = own
  const gone: string[] = []
  const replaced: { name: string; id: NodeId }[] = []
  const known = new Set([self, ...Object.values(peers).map(({ id }) => id)])
  for (const [name, { id }] of Object.entries(peers)) {
    const now = currentId(roster, id)
    if (now === 'contested' || now === id) continue
    if (now === 'removed' || known.has(now)) gone.push(name)
    else replaced.push({ name, id: now })
    if (now !== 'removed') known.add(now)
  }
  const fresh = added.flatMap(({ subject, name, addresses }) => {
    const id = currentId(roster, subject)
    if (id === 'removed' || id === 'contested' || known.has(id)) return []
    known.add(id)
    return [{ id, name, addresses }]
  })
  return { gone, replaced, added: fresh }
}

export function hasChanges({ gone, replaced, added }: Changes): boolean {
  return gone.length + replaced.length + added.length > 0
}

export function makeChanges(editor: ConfigEditor, { gone, replaced, added }: Changes): void {
  for (const name of gone) forgetPeer(editor, name)
  for (const { name, id } of replaced) replacePeerId(editor, name, { id })
  putPeers(
    editor,
    added.filter(({ id }) => nameOfPeer(editor.config, id) === undefined),
  )
}

/** What this machine calls one that has had other keys, or that others claim to be. */
export function nameOfLineage({ peers }: Pick<Config, 'peers'>, { rotations }: Roster, id: NodeId): string | undefined {
  if (nameOfPeer({ peers }, id) !== undefined || !rotations.has(id)) return undefined
  const first = firstIdOf(rotations, id)
  return Object.entries(peers).find(([, peer]) => firstIdOf(rotations, peer.id) === first)?.[0]
}
