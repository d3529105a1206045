import type { VersionVector } from '../causal/types.ts'
import { covers } from '../causal/version-vector.ts'
import type { Work } from '../policy/priority.ts'
import { lacksOnlyHeldBack } from './lack.ts'
import { type Door, type FolderState, gives, isOpen, type PeerState, takes } from './state.ts'
import { wishFlag } from './wishes.ts'

/** Whether this replica has something to pass to or from the peer, by its own knowledge and what policy here allows. A peer that has
 *  not said anything yet may have something. */
export function workWith(
  state: Pick<FolderState, 'follows'>,
  peer: PeerState,
  own: { readonly knowledge: VersionVector; readonly allowed: Door },
): Work {
  const { announced } = peer
  const { knowledge, allowed } = own
  if (!isOpen(state, peer) || allowed === 'shut') return 'none'
  if (announced === undefined) return 'now'
  const toTake = takes(allowed) && isToTake(peer, own)
  const toGive = gives(allowed) && !covers(announced.knowledge, knowledge) && !lacksOnlyHeldBack(peer)
  if (!toTake && !toGive) return 'none'
  const { door } = announced
  return (toTake && gives(door)) || (toGive && takes(door)) ? 'now' : 'not_now'
}

/** What has failed and waits for its next try is not counted. */
function isToTake(
  { announced, fetch, wanted }: PeerState,
  { knowledge }: { readonly knowledge: VersionVector },
): boolean {
  if (fetch !== undefined || wanted.hasFlag(wishFlag.untried)) return true
  return wanted.size === 0 && !covers(knowledge, announced?.knowledge ?? {})
}
