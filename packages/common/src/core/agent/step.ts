import type { DiskState, RelativePath } from '../causal/types.ts'
import { onApplied } from './applied-events.ts'
import { onMembers, onSharersSet, onTombstonesRead, speak } from './collection.ts'
import { onDamageFound } from './damage.ts'
import { meetVanished, onApproved, onRefused, onWeighed, weighDeletions } from './deletions.ts'
import { onFetchFinished, onObserved } from './disk-events.ts'
import { dispatch } from './dispatch.ts'
import {
  begin,
  blockWishes,
  type Draft,
  editPeer,
  finish,
  retryWith,
  reviewHeld,
  setClaim,
  setWish,
  wantedOf,
} from './draft.ts'
import type { Effect, EventOf, FolderEvent } from './events.ts'
import { onEntriesRead, onResendRequested, readForPeers, recheckDisagreements } from './exchange.ts'
import { reviewTwins } from './names.ts'
import { onDisputed, onEntries, onLinkDown, onLinkUp, onSummary, raiseKnowledge } from './peer-events.ts'
import { bounds, type FolderState, takes } from './state.ts'
import { claimFlag, isHeldBack, wishFlag } from './wishes.ts'

/** All decisions of one folder on one agent. Pure: the daemon and the simulator run this very function and differ only in who
 *  performs the effects. Effects are to be performed in their order; a commit reaches the disk before anything after it. */
export function step(state: FolderState, event: FolderEvent): { state: FolderState; effects: readonly Effect[] } {
  const draft = begin(state, event.at)
  handle(draft, event)
  reviewHeld(draft)
  endQuarantines(draft)
  blockWishes(draft)
  reviewTwins(draft)
  raiseKnowledge(draft)
  speak(draft)
  weighDeletions(draft)
  dispatch(draft)
  readForPeers(draft)
  wake(draft)
  return finish(draft)
}

type Handlers = { readonly [K in FolderEvent['kind']]: (draft: Draft, event: EventOf<K>) => void }

const handlers: Handlers = {
  link_up: onLinkUp,
  link_down: onLinkDown,
  summary_received: onSummary,
  entries_received: onEntries,
  entries_disputed: onDisputed,
  entries_read: onEntriesRead,
  observed: onObserved,
  damage_found: onDamageFound,
  applied: onApplied,
  fetch_finished: onFetchFinished,
  resend_requested: onResendRequested,
  members_received: onMembers,
  sharers_set: onSharersSet,
  tombstones_read: onTombstonesRead,
  deletions_weighed: onWeighed,
  deletions_approved: onApproved,
  deletions_refused: onRefused,
  retry_requested: retryAll,
  follow_set: onFollowSet,
  order_set: onOrderSet,
  door_set: onDoorSet,
  holds_back_set: onHoldsBackSet,
  reincarnated: onReincarnated,
  ticked: onTicked,
}

function handle(draft: Draft, event: FolderEvent): void {
  const handler = handlers[event.kind] as (draft: Draft, event: FolderEvent) => void
  handler(draft, event)
}

function onFollowSet(draft: Draft, { follows }: EventOf<'follow_set'>): void {
  if (draft.state.follows === follows) return
  draft.state = { ...draft.state, follows }
  // Peers that wait for orders have to know that this one no longer does, and the other way round.
  for (const [id, peer] of draft.peers) editPeer(draft, id, { outgoing: { ...peer.outgoing, dirty: true } })
}

function onOrderSet(draft: Draft, { peer, ordered }: EventOf<'order_set'>): void {
  const known = draft.peers.get(peer)
  if (!known || known.ordered === ordered) return
  editPeer(draft, peer, { ordered, outgoing: { ...known.outgoing, dirty: true } })
  if (ordered) retryWith(draft, peer)
}

function onDoorSet(draft: Draft, { peer, door }: EventOf<'door_set'>): void {
  const known = draft.peers.get(peer)
  if (!known || known.door === door) return
  editPeer(draft, peer, { door, outgoing: { ...known.outgoing, dirty: true } })
  if (takes(door) && !takes(known.door)) retryWith(draft, peer)
}

/** What waited may pass, and the other way round. The peer hears anew of all that it may still lack, and what of that stays here. */
function onHoldsBackSet(draft: Draft, { peer, holdsBack }: EventOf<'holds_back_set'>): void {
  const known = draft.peers.get(peer)
  if (!known || known.holdsBack === holdsBack) return
  const { told, outgoing, listing } = known
  // A list of which pages are on their way would else count as seen.
  const all = outgoing.all || listing === 'open'
  const again = { ...outgoing, all, cursor: 0, dirty: true, reading: undefined, unacknowledged: [] }
  // Before the first word there is nothing to tell anew, and the read under way is for that word.
  const telling = told ? { outgoing: again, told: { ...told, complete: false } } : {}
  editPeer(draft, peer, { holdsBack, ...telling })
  for (const wish of known.wanted.values()) {
    setWish(draft, peer, wish)
    if (!isHeldBack(wish, holdsBack)) meetVanished(draft, wish.entry.path)
  }
  retryWith(draft, peer)
}

function onReincarnated(draft: Draft, { replica }: EventOf<'reincarnated'>): void {
  draft.state = { ...draft.state, replica }
}

function onTicked(draft: Draft): void {
  recheckDisagreements(draft)
}

/** No news has come. What is still wanted replaces what a session has left here as soon as it can be asked for; with nothing wanted, that is
 *  this replica's own from now on. */
function endQuarantines(draft: Draft): void {
  if (!draft.claims.hasFlag(claimFlag.quarantine)) return
  for (const [path, claim] of draft.claims) {
    if (claim.stage !== 'quarantine' || claim.until > draft.at || isReplaced(draft, path, claim.brought)) continue
    setClaim(draft, path, undefined)
    draft.observe.add(path)
  }
}

function isReplaced(draft: Draft, path: RelativePath, brought: DiskState | undefined): boolean {
  if (brought === undefined || brought.kind === 'dir') return false
  let isWanted = false
  for (const [id, peer] of draft.peers) {
    const wish = peer.wanted.get(path)
    if (!wish || wish.keep || wish.isHeldBack || (wish.need !== 'take' && wish.need !== 'resolve')) continue
    isWanted = true
    if (!wish.transit) wantedOf(draft, id).set(path, { ...wish, transit: brought.stat })
  }
  return isWanted
}

function retryAll(draft: Draft): void {
  for (const id of draft.peers.keys()) retryWith(draft, id)
}

/** The shell calls again when the earliest pause, quarantine or doubt is over. */
function wake(draft: Draft): void {
  let earliest = draft.wakeAt
  const quarantined = draft.claims.hasFlag(claimFlag.quarantine)
  for (const claim of quarantined ? draft.claims.values() : []) {
    if (claim.stage === 'quarantine' && claim.until > draft.at) earliest = Math.min(earliest, claim.until)
  }
  for (const peer of draft.peers.values()) {
    if (peer.disagreement) {
      const due = Math.max(peer.disagreement.since + bounds.disagreementMs, peer.askedAgainAt + bounds.askAgainMs)
      earliest = Math.min(earliest, Math.max(due, draft.at + 1))
    }
    // Also room is made for what is held back.
    for (const part of [peer.wanted.open, peer.wanted.held]) {
      for (const wish of part.hasFlag(wishFlag.deferred) ? part.values() : []) {
        if (wish.need !== 'wait' && wish.need !== 'later' && wish.notBefore > draft.at)
          earliest = Math.min(earliest, wish.notBefore)
      }
    }
  }
  const { weighAt, notBefore, isWeighing } = draft.deletions
  if (weighAt !== undefined && !isWeighing) earliest = Math.min(earliest, Math.max(weighAt, notBefore, draft.at + 1))
  if (earliest < Number.POSITIVE_INFINITY) draft.effects.push({ kind: 'wake', at: earliest })
}
