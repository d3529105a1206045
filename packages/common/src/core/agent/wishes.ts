import { sameBytes } from '../causal/content.ts'
import type { Entry, Row } from '../causal/types.ts'
import type { Operation } from './events.ts'
import type { Claim, HoldsBack, Wanted } from './state.ts'

/** What a search among all wishes may be for; when no wish has it, there is nothing to search. */
export const wishFlag = {
  later: 1,
  blocked: 2,
  deferred: 4,
  operations: 8,
  prompt: 16,
  deletion: 32,
  untried: 64,
  wait: 128,
} as const

export function wishFlags(wish: Wanted): number {
  const isPrompt = wish.need !== 'wait' && !isLate(wish) && !isDeletion(wish) && !wish.isHeldBack
  return (
    (wish.need === 'later' ? wishFlag.later : 0) |
    (wish.blockedBy ? wishFlag.blocked : 0) |
    (wish.notBefore > 0 && (!wish.isHeldBack || wish.blockedBy) ? wishFlag.deferred : 0) |
    (needsOperation(wish) && !wish.isHeldBack ? wishFlag.operations : 0) |
    (isPrompt ? wishFlag.prompt : 0) |
    (isPrompt && wish.attempts === 0 && wish.twin === undefined ? wishFlag.untried : 0) |
    (isDeletion(wish) && wish.local?.kind !== 'dir' ? wishFlag.deletion : 0) |
    (wish.need === 'wait' ? wishFlag.wait : 0)
  )
}

/** A version of this replica is to go, and nobody has weighed yet whether that may be. */
export function isDeletion({ entry, local, need, isCleared }: Wanted): boolean {
  return entry.deleted && !isCleared && need !== 'wait' && local !== undefined && !local.deleted
}

export const claimFlag = { ready: 1, quarantine: 2 } as const

export function claimFlags({ stage }: Claim): number {
  return (stage === 'ready' ? claimFlag.ready : 0) | (stage === 'quarantine' ? claimFlag.quarantine : 0)
}

export function newWish(entry: Entry, local: Row | undefined): Wanted {
  const none = { blockedBy: undefined, transit: undefined, attempts: 0, notBefore: 0, reason: '', isCleared: false }
  return { entry, local, need: 'take', keep: false, ...none }
}

/** Whether `operationsFor` has any, without making the list: this is asked whenever a wish comes or goes. */
function needsOperation({ entry, local, keep }: Wanted): boolean {
  if (keep || entry.deleted) return true
  return local !== undefined && !local.deleted && (entry.kind === 'dir' || sameBytes(local, entry))
}

/** Whether the wish has to wait for policy, here or at the peer. What needs no bytes may always pass: a deletion, other permissions. */
export function isHeldBack({ entry, local, isHeldBackThere }: Wanted, holdsBack: HoldsBack | undefined): boolean {
  if (entry.deleted || (local !== undefined && !local.deleted && sameBytes(local, entry))) return false
  return isHeldBackThere === true || holdsBack?.(entry) === true
}

/** What must happen on the disk before (or instead of) a fetch. */
export function operationsFor(wish: Wanted): Operation[] {
  const { entry, local, keep } = wish
  const operations: Operation[] = keep ? ['keep'] : []
  const alive = local !== undefined && !local.deleted
  if (entry.deleted) operations.push(isDirectoryInTheWay(wish) ? 'rmdir' : 'remove')
  else if (entry.kind === 'dir') operations.push(...directory(local, alive))
  else if (alive && sameBytes(local, entry)) operations.push('chmod')
  return operations
}

function directory(local: Row | undefined, alive: boolean): Operation[] {
  // A new directory comes with the session, which can then bring it whole.
  if (!alive) return []
  return local?.kind === 'dir' ? ['chmod'] : ['remove', 'mkdir']
}

/** Must wait until all news of what is in a directory has been heard and done. */
export function isLate(wish: Wanted): boolean {
  return wish.blockedBy !== undefined || isDirectoryInTheWay(wish)
}

export function isDirectoryInTheWay({ local, entry, transit }: Wanted): boolean {
  if (transit || local === undefined || local.deleted || local.kind !== 'dir') return false
  return entry.deleted || entry.kind !== 'dir'
}
