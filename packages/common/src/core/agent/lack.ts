import type { Entry } from '../causal/types.ts'
import { isListed, type PeerState } from './state.ts'
import { wishFlag } from './wishes.ts'

/** Files and links, deletions of them too; a directory costs nothing. */
export interface Amount {
  readonly files: number
  readonly bytes: number
}

/** What a replica lacks of a peer's, and how much of that policy holds back from the link between the two. */
export interface Lack {
  readonly all: Amount
  readonly heldBack: Amount
  /** Nothing else is lacked, not even a directory. */
  readonly isAllHeldBack: boolean
}

export function amountOf(entries: Iterable<Entry>): Amount {
  let [files, bytes] = [0, 0]
  for (const { kind, size } of entries) {
    if (kind === 'dir') continue
    files++
    bytes += size
  }
  return { files, bytes }
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

/** Undefined while nothing is held back: then it is said better by what each side knows. */
export function lackOf({ wanted }: Pick<PeerState, 'wanted'>): Lack | undefined {
  if (wanted.countOf(wishFlag.heldBack) === 0) return undefined
  const all: Entry[] = []
  const heldBack: Entry[] = []
  for (const { entry, isHeldBack } of wanted.values()) {
    all.push(entry)
    if (isHeldBack) heldBack.push(entry)
  }
  return { all: amountOf(all), heldBack: amountOf(heldBack), isAllHeldBack: all.length === heldBack.length }
}
