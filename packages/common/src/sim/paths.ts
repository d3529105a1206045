import { ancestors } from '../core/causal/paths.ts'
import type { RelativePath } from '../core/causal/types.ts'

/** A watcher reports the directories that were made on the way, too. */
export function withParents(path: RelativePath): RelativePath[] {
  return [path, ...ancestors(path)].reverse()
}
