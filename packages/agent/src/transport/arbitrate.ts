import type { NodeId } from '@spansync/common/core/causal/types'

/** What to do with an inbound control connection of a peer.
 *  - `accept`, `replace`: it becomes the link, instead of the old one if there is one
 *  - `probe`: the old link has the right of way; ask whether it still lives, and decide again if not
 *  - `wait`: our own dial is about to decide; see how it ends, and decide again */
export type Verdict = 'accept' | 'replace' | 'probe' | 'wait'

/** `dialing`: our own dial has not shown itself to the peer yet and can be dropped without a trace; `offered`: the peer has our
 *  hello, or soon will. */
export type OwnDial = 'none' | 'dialing' | 'offered'

/** When two nodes dial each other, the connection of the node with the smaller id stays: both sides can tell which that is. A second
 *  connection in the same direction means that its dialler has given up the first. */
export function arbitrate(state: {
  self: NodeId
  peer: NodeId
  existing: { readonly dialed: boolean } | undefined
  ownDial: OwnDial
}): Verdict {
  const ownWins = state.self < state.peer
  if (state.existing !== undefined) return state.existing.dialed && ownWins ? 'probe' : 'replace'
  return state.ownDial === 'offered' && ownWins ? 'wait' : 'accept'
}
