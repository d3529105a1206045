import type { FolderId } from '../causal/types.ts'

/** Whether a folder has something to pass over a link. `not_now`: it has, and the peer does not let it pass at the moment. */
export type Work = 'none' | 'not_now' | 'now'

/** A folder that shares a link with others. */
export interface Contender {
  readonly folder: FolderId
  /** What the nodes at both ends say of it, added up: so both put the same folder first. */
  readonly priority: number
  readonly work: Work
  /** When it last got on, ms; undefined while nothing may pass. */
  readonly movedAt: number | undefined
}

/** How a folder got on so far. */
export interface Progress {
  readonly work: Work
  readonly movedAt: number | undefined
  /** What its streams had carried over the link when it last got on. */
  readonly bytes: number
}

/** A folder that has not got on for so long holds nobody up: it fails again and again, or waits for a person. */
export const stuckMs = 10_000
/** A try that fails at once moves some kilobytes, too. */
const leastBytes = 16 * 1024

/** What is known after another look. Times in ms of one clock; bytes never become fewer, but for a restart of the link's counters. */
export function lookAgain(
  before: Progress | undefined,
  { work, bytes, now }: { readonly work: Work; readonly bytes: number; readonly now: number },
): Progress {
  if (work !== 'now') return { work, movedAt: undefined, bytes }
  const isNew = before?.movedAt === undefined
  const moved = bytes - (before?.bytes ?? 0)
  if (isNew || moved >= leastBytes || moved < 0) return { work, movedAt: now, bytes }
  return { ...before, work }
}

/** Whom each folder lets go first: one of a higher priority that has something to pass and gets on with it, the highest of them. Those
 *  that wait for nobody are not in the answer. Among equals the first in the order of their names, so the answer does not depend on
 *  the order in which they are given. */
export function waiting(contenders: readonly Contender[], now: number): ReadonlyMap<FolderId, FolderId> {
  const first = contenders.filter((contender) => isMoving(contender, now)).sort(inOrder)[0]
  if (first === undefined) return new Map()
  const later = contenders.filter(({ work, priority }) => work !== 'none' && priority < first.priority)
  return new Map(later.map(({ folder }) => [folder, first.folder]))
}

function isMoving({ work, movedAt }: Contender, now: number): boolean {
  return work === 'now' && movedAt !== undefined && now - movedAt < stuckMs
}

function inOrder(left: Contender, right: Contender): number {
  return right.priority - left.priority || (left.folder < right.folder ? -1 : 1)
}

/** How a person is told that a folder lets this one go first. */
export function waitsFor(folder: string): { readonly message: string; readonly remedy: string } {
  return {
    message: `waits for folder ${folder}, which has a higher priority`,
    remedy: 'nothing need be done; or change the priority',
  }
}
