import type { Digest, VersionVector } from '../causal/types.ts'
import { compare } from '../causal/version-vector.ts'

/** What a replica holds, as it says. */
export interface Holding {
  /** Stands for what the node ignores beyond the usual; '' when nothing. */
  readonly scope: string
  readonly knowledge: VersionVector
  readonly digest: Digest
}

/** Two replicas lack nothing of each other. Where one ignores what the other does not, their digests differ for ever, and what they
 *  know has to do. */
export function isSame(left: Holding, right: Holding): boolean {
  if (left.scope === right.scope) return left.digest === right.digest
  return compare(left.knowledge, right.knowledge) === 'equal'
}
