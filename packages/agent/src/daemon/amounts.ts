import { type Amount, amountOf, noAmount } from '@spansync/common/core/agent/amount'
import { hasHeardAll } from '@spansync/common/core/agent/lack'
import type { PeerState } from '@spansync/common/core/agent/state'
import type { NodeId, VersionVector } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { FolderIndex } from '@spansync/common/ports'
import type { Said } from '../folder/peer-memory.ts'

interface Counted {
  readonly seq: number
  readonly knowledge: VersionVector
  readonly amount: Amount
  /** Until then the answer will do, ms of `performance.now`. */
  readonly until: number
}

const page = 5000
// Counting may read the whole index: where it takes long it may take this part of the time at most.
const longMs = 10
const rest = 20

const counted = new WeakMap<FolderIndex, Map<NodeId, Counted>>()

/** What this replica has and a connected peer does not, by its own word where it has heard of everything: what is held back from it keeps
 *  it from saying that it knows the rest. */
export function lackedBy(index: FolderIndex, peer: NodeId, state: PeerState): Amount {
  const lacks = hasHeardAll(state) ? state.announced?.lacks : undefined
  return lacks?.all ?? behindOf(index, peer, state.announced)
}

/** What this replica has and a peer, by its last word, does not. One that has never said anything lacks all that is here. */
export function behindOf(index: FolderIndex, peer: NodeId, said: Said | undefined): Amount {
  if (said === undefined) {
    const { files, bytes } = index.totals()
    return { files, bytes }
  }
  const { seq, digest, knowledge } = index.meta()
  if (said.digest === digest || covers(said.knowledge, knowledge)) return noAmount
  const memory = counted.get(index) ?? new Map<NodeId, Counted>()
  counted.set(index, memory)
  const known = memory.get(peer)
  const now = performance.now()
  if (known && ((known.seq === seq && known.knowledge === said.knowledge) || now < known.until)) return known.amount
  const amount = countBehind(index, said.knowledge)
  const costMs = performance.now() - now
  memory.set(peer, { seq, knowledge: said.knowledge, amount, until: costMs > longMs ? now + costMs * rest : now })
  return amount
}

function countBehind(index: FolderIndex, knowledge: VersionVector): Amount {
  let { files, bytes } = noAmount
  for (let since = 0; ; ) {
    const { rows, toSeq, complete } = index.since(since, knowledge, page)
    const more = amountOf(rows)
    files += more.files
    bytes += more.bytes
    since = toSeq
    if (complete) return { files, bytes }
  }
}
