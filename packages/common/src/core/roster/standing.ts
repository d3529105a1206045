import type { NodeId } from '../causal/types.ts'
import type { Roster } from './roster.ts'
import { heirsOf } from './rotation.ts'

/** `replaced`: its key is dead. `contested`: two keys claim to take the place of one, so that one is in two hands and nobody can say which
 *  claim is its owner's; neither counts before a member vouches for one by name. `unknown`: the list says nothing. */
export type Standing = 'member' | 'removed' | 'replaced' | 'contested' | 'unknown'

/** Follows from what has been heard, and not from the order in which it was. */
export function standingOf(roster: Roster, node: NodeId): Standing {
  return heirsOf(roster.rotations, node).length > 0 ? 'replaced' : claimOf(roster, node)
}

/** Whatever came after it. A removal of one that has been replaced counts for the new one, too: whoever removed it may not have heard. */
function claimOf({ statements, rotations }: Roster, node: NodeId): Exclude<Standing, 'replaced'> {
  const said = statements.get(node)
  if (said !== undefined) return said.state
  const rotation = rotations.get(node)
  if (rotation === undefined) return 'unknown'
  const before = claimOf({ statements, rotations }, rotation.replaces)
  return before !== 'removed' && heirsOf(rotations, rotation.replaces).length > 1 ? 'contested' : before
}

/** The id that the node has now, or why it has none. */
export function currentId(roster: Roster, node: NodeId): NodeId | 'removed' | 'contested' {
  const { statements, rotations } = roster
  const [heirs, claim] = [heirsOf(rotations, node), claimOf(roster, node)]
  const replaces = rotations.get(node)?.replaces
  // A member has said which of them it is.
  const rivals = claim === 'contested' && replaces !== undefined ? heirsOf(rotations, replaces) : heirs
  const [named, other] = rivals.filter((rival) => rival !== node && statements.get(rival)?.state === 'member')
  if (named !== undefined && other === undefined) return currentId(roster, named)
  if (claim === 'removed' || claim === 'contested') return claim
  const [heir, rival] = heirs
  if (heir === undefined) return node
  return rival === undefined ? currentId(roster, heir) : 'contested'
}

/** Nothing that it says counts, and nobody links with it. */
export function isOut(roster: Roster, node: NodeId): boolean {
  const standing = standingOf(roster, node)
  return standing !== 'member' && standing !== 'unknown'
}
