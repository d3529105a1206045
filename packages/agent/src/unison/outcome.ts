/** How a run ended. `skipped`: Unison refused something (a conflict, a kind of file it does not know). `failed`: some paths could not
 *  be done. `fatal`: nothing could. `stalled`: ended by the watchdog. `archive_lost`: what the two hosts remember of this pair does
 *  not belong together. */
export type Outcome = 'done' | 'skipped' | 'failed' | 'fatal' | 'stalled' | 'locked' | 'archive_lost'

/** Why, where that can be told. A hint: file names are part of the output, and anybody may name a file like a message. */
export type Reason =
  | 'disk_full'
  | 'destination_changed'
  | 'source_changed'
  | 'marker_missing'
  | 'root_missing'
  | 'connection_lost'
  | 'no_permission'
  | 'incompatible'
  | 'unknown'

const fatal: readonly (readonly [Outcome, RegExp])[] = [
  ['locked', /the archives are locked/],
  ['archive_lost', /archive file is missing on some hosts/],
  // The text is longer than what is kept of the output: its start, or its end.
  ['archive_lost', /archives are not identical|Run \w+ again to synchronize from scratch/],
  ['archive_lost', /exception raised in loading archive/],
]

const reasons: readonly (readonly [Reason, RegExp])[] = [
  ['disk_full', /No space left on device|Disk quota exceeded/],
  ['marker_missing', /is designated as a mountpoint, but points to nothing/],
  ['root_missing', /Error in changing working directory/],
  ['destination_changed', /Destination updated during synchronization/],
  ['source_changed', /has been modified during synchronization|updated during synchronization/],
  ['no_permission', /Permission denied|Operation not permitted|Read-only file system/],
  ['incompatible', /[Ii]ncompatible|unknown option/],
  ['connection_lost', /Lost connection|Connection refused|Broken pipe|Connection reset/],
]

/** From the exit code, which is reliable, and the output, which only tells the fatal ones apart. */
export function outcomeOf(exit: number | null, output: string): Outcome {
  switch (exit) {
    case 0:
      return 'done'
    case 1:
      return 'skipped'
    case 2:
      return 'failed'
    default:
      return fatal.find(([, pattern]) => pattern.test(output))?.[0] ?? 'fatal'
  }
}

export function reasonOf(output: string): Reason {
  return reasons.find(([, pattern]) => pattern.test(output))?.[0] ?? 'unknown'
}

/** The worse of two, for a run in several parts. */
export function worse(left: Outcome, right: Outcome): Outcome {
  const order: readonly Outcome[] = ['done', 'skipped', 'failed', 'locked', 'archive_lost', 'stalled', 'fatal']
  return order.indexOf(left) >= order.indexOf(right) ? left : right
}
