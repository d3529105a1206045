/** How much of a replica may vanish at once without a person's word. */
export interface DeletionLimits {
  /** Part of the replica's files, 0 to 1; more than that is too much. */
  readonly share: number
  /** Fewer files than this are never too much; Infinity: no number is. */
  readonly files: number
}

export interface Loss {
  /** Files whose content would be nowhere in the folder any more. What was renamed is not lost. */
  readonly lost: number
  /** Files of the replica, with those that are to go. */
  readonly total: number
}

export function isTooMuch({ lost, total }: Loss, { share, files }: DeletionLimits): boolean {
  return lost >= files && lost > total * share
}
