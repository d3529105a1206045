import type { Row } from '../causal/types.ts'
import type { Policy } from './settings.ts'

/** How long a file has to rest before it passes over one link. */
export interface Rest {
  readonly settleMs: number
  /** After so long it passes all the same. */
  readonly mostMs: number
}

/** A file that never rests passes after so many times as long. */
const mostTimes = 10

/** What is said of one link; a replica's own `settle` has been waited for before its index knows of a change. */
export function restOver({
  settleMs: { value, where },
  maxDelayMs,
}: Pick<Policy, 'settleMs' | 'maxDelayMs'>): Rest | undefined {
  if (value === undefined || value === 0 || where.level !== 'link') return undefined
  return { settleMs: value, mostMs: Math.min(maxDelayMs.value, mostTimes * value) }
}

export interface Moment {
  /** Epoch ms. */
  readonly now: number
  /** A person wanted everything that was written before this to pass; epoch ms. */
  readonly releasedAt: number
}

type Resting = Pick<Row, 'kind' | 'deleted' | 'mtimeUs'>

/** Whether a file was written so short a time ago that it has to rest. A deletion, a directory or a link is done at once; a time that
 *  is to come is another clock's. */
export function isResting(
  { kind, deleted, mtimeUs }: Resting,
  { settleMs }: Rest,
  { now, releasedAt }: Moment,
): boolean {
  if (kind !== 'file' || deleted) return false
  const writtenAt = mtimeUs / 1000
  return writtenAt > releasedAt && writtenAt <= now && now - writtenAt < settleMs
}
