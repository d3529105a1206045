import { type Amount, add, amountOf } from './amount.ts'
import { isListed, type PeerState } from './state.ts'
import { wishFlag } from './wishes.ts'

/** What a replica would take of a peer's, and how much of that policy holds back from the link between the two. */
export interface Lack {
  readonly all: Amount
  readonly heldBack: Amount
  /** It would take nothing else, not even a directory. */
  readonly isAllHeldBack: boolean
}

/** The peer, of all that is here. */
export function hasHeardAll({ told, outgoing }: PeerState): boolean {
  return told?.complete === true && !outgoing.dirty && isListed(outgoing)
}

/** By its own word the peer has everything that is here but what policy holds back. */
export function lacksOnlyHeldBack(peer: PeerState): boolean {
  const { lacks } = peer.announced ?? {}
  return lacks?.isAllHeldBack === true && hasHeardAll(peer)
}

/** Nothing can pass here from the peer while policy stays as it is. What the peer is to settle it cannot, when what it would need for that
 *  is held back itself. */
export function waitsForPolicy(peer: PeerState): boolean {
  const { open, held } = peer.wanted
  const waiting = open.countOf(wishFlag.wait)
  if (open.size > waiting || open.size + held.size === 0) return false
  return waiting === 0 || lacksOnlyHeldBack(peer)
}

/** How many wishes wait for policy, or may: a sign that the peer is to be told of it anew. 0 where policy has no part in it. */
export function countLacked({ wanted, holdsBack, announced }: PeerState): number {
  const isFiltered = holdsBack !== undefined || announced?.holdsBack === true
  return wanted.held.size + (isFiltered ? wanted.open.countOf(wishFlag.wait) : 0)
}

/** Undefined while nothing is held back: then it is said better by what each side knows. */
export function lackOf(peer: PeerState): Lack | undefined {
  if (countLacked(peer) === 0) return undefined
  const { open, heldAmount } = peer.wanted
  const wishes = [...open.values()].filter(({ need }) => need !== 'wait')
  const rest = amountOf(wishes.map(({ entry }) => entry))
  return { all: add(heldAmount, rest), heldBack: heldAmount, isAllHeldBack: wishes.length === 0 }
}
