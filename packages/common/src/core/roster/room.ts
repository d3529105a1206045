import type { NodeId } from '../causal/types.ts'
import type { Roster } from './roster.ts'
import { firstIdOf, formerIds, heirsOf } from './rotation.ts'

/** More nodes than that nobody has; what comes beyond is refused. */
const mostMembers = 1000
/** Two are enough to know that a key is in two hands; a few more, for whoever has heard others first. */
const mostSiblings = 8
/** All that comes after one id: the keys that the node can have, and rivals. Else one member could fill the list. */
const mostAfterOne = 24

/** For a node that nothing is known of yet. */
export function isRoomForMember({ statements, rotations }: Roster): boolean {
  return statements.size + rotations.size < mostMembers
}

/** For one more key that takes the place of this one. */
export function isRoomForHeir(roster: Roster, node: NodeId): boolean {
  const { rotations } = roster
  if (!isRoomForMember(roster) || heirsOf(rotations, node).length >= mostSiblings) return false
  const origin = originOf(roster, node)
  return [...rotations.values()].filter(({ replaces }) => originOf(roster, replaces) === origin).length < mostAfterOne
}

/** The last id until here that a member has named, or the first of all: whoever has the key of one before cannot take the room of one
 *  that is named. */
function originOf({ statements, rotations }: Roster, node: NodeId): NodeId {
  const named = [node, ...formerIds(rotations, node)].find((id) => statements.has(id))
  return named ?? firstIdOf(rotations, node)
}
