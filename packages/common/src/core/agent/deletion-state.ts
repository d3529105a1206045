import type { RelativePath, VersionVector } from '../causal/types.ts'
import { LayeredMap } from './layered-map.ts'

/** Deletions that are held back, see `deletions.ts`. */
export interface Deletions {
  /** What has vanished here and is alive in the index. */
  readonly vanished: LayeredMap<Vanished>
  /** When the first of those came that have not been weighed, ms. */
  readonly since: number | undefined
  /** When to weigh them, ms; undefined: nothing has been added. */
  readonly weighAt: number | undefined
  /** Not before, ms: of very many it takes long, and other work has to go on. */
  readonly notBefore: number
  /** The shell has been asked. */
  readonly isWeighing: boolean
  /** What the shell was asked about last: a person's word concerns no more than that. */
  readonly weighed: { readonly here: ReadonlySet<RelativePath>; readonly told: ReadonlySet<RelativePath> }
  /** Deletions of peers that a person has said are meant, with their versions: a link that is lost before all are done makes nobody ask
   *  again. The word counts until `until` (ms), and is not remembered over a restart. */
  readonly approved: { readonly versions: ReadonlyMap<RelativePath, VersionVector>; readonly until: number }
  /** What waits for a person: deletions made here, and those that peers tell of. */
  readonly waiting: { readonly here: Waiting | undefined; readonly peers: Waiting | undefined }
}

export interface Vanished {
  /** To be told when the disk still shows it. */
  readonly isReleased: boolean
}

export interface Waiting {
  /** Files that would go, and all that the replica has. */
  readonly files: number
  readonly total: number
  /** `emptied`: nothing is left in the root. */
  readonly cause: 'share' | 'emptied'
}

export const noDeletions: Deletions = {
  vanished: new LayeredMap(() => 0),
  since: undefined,
  weighAt: undefined,
  notBefore: Number.NEGATIVE_INFINITY,
  isWeighing: false,
  weighed: { here: new Set(), told: new Set() },
  approved: { versions: new Map(), until: 0 },
  waiting: { here: undefined, peers: undefined },
}

/** What has vanished here is still to be weighed, or to be told. */
export function isUndecided({ vanished, waiting }: Deletions): boolean {
  return vanished.size > 0 && waiting.here === undefined
}
