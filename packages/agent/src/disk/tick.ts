import type { StatSignature } from '@spansync/common/core/causal/types'

/** A file system stamps times in ticks of up to 10 ms. */
export const tickMs = 12
// FAT and its like: 2 s.
const coarseTickMs = 2000

interface Times {
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/** A write in the same tick as the last one leaves the signature as it was, so content read before the tick is over must not be taken
 *  for what the signature stands for. `wait`: read it when the tick is over. `too_coarse`: that would take too long, read it
 *  now and store a signature that is like no other (as git does). */
export function isReadTooSoon({ mtimeMs, ctimeMs }: Times, now: number): 'no' | 'wait' | 'too_coarse' {
  const age = now - ctimeMs
  if (age < 0 || age >= coarseTickMs) return 'no'
  if (mtimeMs % 1000 === 0 && ctimeMs % 1000 === 0) return 'too_coarse'
  return age < tickMs ? 'wait' : 'no'
}

/** The next look at the file reads it again. */
export function unlikeAny(stat: StatSignature): StatSignature {
  return { ...stat, ctimeUs: 0 }
}
