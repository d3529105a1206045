import { reasserted } from '../causal/change.ts'
import type { Entry, NodeId, RelativePath, Row } from '../causal/types.ts'
import { compare } from '../causal/version-vector.ts'
import { isTooMuch } from '../policy/deletion-limits.ts'
import type { Waiting } from './deletion-state.ts'
import { current, type Draft, putRow, takeDot, wantedOf } from './draft.ts'
import type { DeletionWeight, EventOf } from './events.ts'
import { isStuck, type PeerState, type Wanted } from './state.ts'
import { setDeletions, vanishedOf } from './vanished.ts'
import { isDeletion, wishFlag } from './wishes.ts'

// Deletions are told, and done, a moment later than they are seen: when it has become quiet they are weighed all together, and too
// many at once wait for a person. What vanished here stays alive in the index meanwhile, so no peer hears of it; what peers deleted
// stays a wish, so knowledge does not rise over it, and a restart finds both again.

const quiet = {
  fewMs: 60,
  manyMs: 500,
  fewMostMs: 1000,
  manyMostMs: 60_000,
  waitingMs: 30_000,
  approvedMs: 24 * 3600_000,
  /** By then a big deletion is known to be one. */
  busyMostMs: 5000,
  /** A renamed directory has to be read before it is known that nothing is lost. */
  lookingMostMs: 600_000,
} as const

/** What weighing takes of the time, at most: one part in so many and one. */
const pauseTimes = 2

/** Holds back what has vanished here. False when it is to be told now: it has been weighed, nobody guards, or a peer has another version
 *  of it, which must meet the deletion; one that policy holds back meets it when it may pass. */
export function holdBack(draft: Draft, path: RelativePath): boolean {
  const { deletions } = draft
  if (draft.state.guard === undefined || deletions.vanished.get(path)?.isReleased) return false
  for (const { wanted } of draft.peers.values()) {
    const wish = wanted.get(path)
    if (wish && !wish.isHeldBack) return false
  }
  if (!deletions.vanished.has(path)) {
    vanishedOf(draft).set(path, { isReleased: false })
    arm(draft)
  }
  return true
}

/** News of a path that has vanished here: they have to meet. */
export function meetVanished(draft: Draft, path: RelativePath): void {
  if (!draft.deletions.vanished.has(path)) return
  vanishedOf(draft).set(path, { isReleased: true })
  draft.observe.add(path)
}

/** A peer tells of a deletion that may be one of many. */
export function noteTold(draft: Draft): void {
  if (draft.state.guard !== undefined && isHeldBack(draft)) arm(draft)
}

/** Whether what this peer has deleted must not go yet. */
export function isGuarded(draft: Pick<Draft, 'state' | 'deletions' | 'peers'>, id: NodeId, wish: Wanted): boolean {
  const { guard } = draft.state
  if (guard === undefined || guard.files === Number.POSITIVE_INFINITY || !isDeletion(wish)) return false
  const peer = draft.peers.get(id)
  return peer === undefined || !hasHeard(peer) || isHeldBack(draft)
}

function isHeldBack(draft: Pick<Draft, 'state' | 'deletions' | 'peers'>): boolean {
  const { guard } = draft.state
  if (guard === undefined) return false
  return draft.deletions.waiting.peers !== undefined || toldCount(draft) >= guard.files
}

function toldCount({ peers }: Pick<Draft, 'peers'>): number {
  let count = 0
  for (const { wanted } of peers.values()) count += wanted.countOf(wishFlag.deletion)
  return count
}

function arm(draft: Draft): void {
  const { guard } = draft.state
  const isMany = Math.max(draft.deletions.vanished.size, toldCount(draft)) >= (guard?.files ?? 0)
  const since = draft.deletions.since ?? draft.at
  const [wait, most] = isMany ? [quiet.manyMs, quiet.manyMostMs] : [quiet.fewMs, quiet.fewMostMs]
  setDeletions(draft, { since, weighAt: Math.max(draft.at, Math.min(draft.at + wait, since + most)) })
}

/** Asks the shell what is at stake, when it has been quiet for long enough. */
export function weighDeletions(draft: Draft): void {
  if (draft.state.guard === undefined) return
  forgetSettled(draft)
  const { deletions } = draft
  const waits = deletions.waiting.here ?? deletions.waiting.peers
  // What has come meanwhile may show that nothing is lost.
  if (waits && draft.rows.size > 0 && deletions.weighAt === undefined) {
    setDeletions(draft, { weighAt: draft.at + quiet.waitingMs })
  }
  const { weighAt, notBefore, isWeighing, vanished } = draft.deletions
  if (weighAt === undefined || isWeighing || draft.at < Math.max(weighAt, notBefore)) return
  const here = [...vanished].flatMap(([path, { isReleased }]) => (isReleased ? [] : [path]))
  const told = isHeldBack(draft) ? [...toldDeletions(draft)].map(({ wish }) => wish.entry.path) : []
  const weighed = { here: new Set(here), told: new Set(told) }
  setDeletions(draft, { weighAt: undefined, isWeighing: here.length + told.length > 0, weighed })
  if (here.length + told.length === 0) return
  draft.effects.push({ kind: 'weigh_deletions', ...weighed, going: goingOf(draft), coming: comingOf(draft) })
}

/** A waiting set that nothing is left of: it was put back, or the peer that told of it has gone and will tell of it again. */
function forgetSettled(draft: Draft): void {
  const { waiting, vanished } = draft.deletions
  const here = vanished.size > 0 ? waiting.here : undefined
  const peers = toldCount(draft) > 0 ? waiting.peers : undefined
  if (here !== waiting.here || peers !== waiting.peers) setDeletions(draft, { waiting: { here, peers } })
  if (vanished.size === 0 && toldCount(draft) === 0 && draft.deletions.since !== undefined)
    setDeletions(draft, { since: undefined, weighAt: undefined })
}

function* toldDeletions(draft: Draft): Generator<{ id: NodeId; wish: Wanted }> {
  for (const [id, { wanted }] of draft.peers)
    for (const wish of wanted.open.values()) if (isDeletion(wish)) yield { id, wish }
}

/** Whatever is to go, for whatever reason: no copy there saves another. */
function goingOf(draft: Draft): Set<RelativePath> {
  const going = new Set<RelativePath>()
  for (const [path] of draft.deletions.vanished) going.add(path)
  for (const { wanted } of draft.peers.values())
    for (const { entry } of wanted.open.values()) if (entry.deleted) going.add(entry.path)
  return going
}

/** How many files with each content peers have that are not here yet. */
function comingOf(draft: Draft): Map<string, number> {
  const paths = new Map<RelativePath, string>()
  for (const { wanted } of draft.peers.values()) {
    for (const { entry } of wanted.open.values())
      if (!entry.deleted && entry.kind !== 'dir') paths.set(entry.path, entry.hash)
  }
  const coming = new Map<string, number>()
  for (const hash of paths.values()) coming.set(hash, (coming.get(hash) ?? 0) + 1)
  return coming
}

export function onWeighed(draft: Draft, event: EventOf<'deletions_weighed'>): void {
  setDeletions(draft, { isWeighing: false, notBefore: draft.at + pauseTimes * event.tookMs })
  const { weighAt, vanished, since = draft.at } = draft.deletions
  // Something was added since: all of it is weighed again.
  if (weighAt !== undefined || draft.state.guard === undefined) return
  const waiting = judge(draft, event)
  // What may still turn out to be renamed holds up no more than that.
  const mayBeRenamed = event.isLooking && waiting.here !== undefined && draft.at - since < quiet.lookingMostMs
  const mayBeMore = event.isScanning || (event.isBusy && draft.at - since < quiet.busyMostMs)
  const isUnsure = (mayBeMore && vanished.size > 0) || mayBeRenamed || !hasHeardAll(draft)
  if (isUnsure) return setDeletions(draft, { weighAt: draft.at + quiet.manyMs, since })
  setDeletions(draft, { waiting })
  if (draft.deletions.waiting.here === undefined) releaseVanished(draft)
  if (draft.deletions.waiting.peers === undefined) clearTold(draft)
  setDeletions(draft, { since: undefined })
}

function hasHeardAll(draft: Draft): boolean {
  return [...draft.peers.values()].every((peer) => hasHeard(peer) || peer.wanted.countOf(wishFlag.deletion) === 0)
}

/** All deletions that the peer can tell of by now. On a full disk they may be what makes room for the rest. */
function hasHeard(peer: PeerState): boolean {
  return peer.incoming.complete || isStuck(peer)
}

function judge(
  draft: Draft,
  { here, told, total, isEmptied }: EventOf<'deletions_weighed'>,
): Draft['deletions']['waiting'] {
  const { waiting } = draft.deletions
  const ofHere = verdict(draft, { weight: here, total, before: waiting.here, isEmptied })
  const ofPeers = verdict(draft, { weight: told, total, before: waiting.peers, isEmptied: false })
  return { here: ofHere, peers: ofPeers }
}

interface Judged {
  readonly weight: DeletionWeight
  readonly total: number
  readonly before: Waiting | undefined
  readonly isEmptied: boolean
}

/** Once it waits, it waits until a person has spoken or nothing would be lost any more: half of it may have been put back so far. */
function verdict({ state }: Draft, { weight, total, before, isEmptied }: Judged): Waiting | undefined {
  const { files, lost } = weight
  const isTooMany = state.guard !== undefined && isTooMuch({ lost, total }, state.guard)
  if (!(isEmptied || isTooMany || (before !== undefined && lost > 0))) return undefined
  return {
    files,
    total: Math.max(total, before?.total ?? 0),
    cause: before?.cause ?? (isEmptied ? 'emptied' : 'share'),
  }
}

/** They are told as soon as the disk has been asked once more. */
function releaseVanished(draft: Draft): void {
  const weighed = draft.deletions.weighed.here
  const held = [...draft.deletions.vanished].filter(([path, { isReleased }]) => !isReleased && weighed.has(path))
  for (const [path] of held) meetVanished(draft, path)
}

function clearTold(draft: Draft, mayGo: (path: RelativePath) => boolean = () => true): void {
  for (const { id, wish } of [...toldDeletions(draft)]) {
    if (!mayGo(wish.entry.path)) continue
    wantedOf(draft, id).set(wish.entry.path, { ...wish, isCleared: true, notBefore: 0 })
  }
}

/** A person has said that the deletions that wait are meant. What has not been weighed yet is none of them. */
export function onApproved(draft: Draft): void {
  const { waiting, weighed } = draft.deletions
  if (waiting.here) releaseVanished(draft)
  if (waiting.peers) {
    const meant = [...toldDeletions(draft)].filter(({ wish }) => weighed.told.has(wish.entry.path))
    const versions = new Map(meant.map(({ wish: { entry } }) => [entry.path, entry.vector]))
    setDeletions(draft, { approved: { versions, until: draft.at + quiet.approvedMs } })
    clearTold(draft, (path) => weighed.told.has(path))
  }
  setDeletions(draft, { waiting: { here: undefined, peers: undefined } })
}

/** The same deletion, told again. */
export function isApproved({ deletions: { approved }, at }: Draft, { path, vector }: Entry): boolean {
  const version = approved.versions.get(path)
  return version !== undefined && at < approved.until && compare(version, vector) === 'equal'
}

/** A person has said that what peers deleted shall stay: this replica's version wins, as a new change of its own. What has vanished
 *  here is for the shell to bring back. */
export function onRefused(draft: Draft): void {
  if (draft.deletions.waiting.peers === undefined) return
  for (const { wish } of [...toldDeletions(draft)]) {
    const { path } = wish.entry
    const row = current(draft, path, wish.local) as Row
    if (!row.deleted) putRow(draft, reasserted(row, wish.entry, takeDot(draft)))
  }
  setDeletions(draft, { waiting: { ...draft.deletions.waiting, peers: undefined } })
}
