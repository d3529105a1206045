import { conflictOrigin, isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { showPath, type Tree, type TreeItem } from '../lab/tree.ts'
import { linkContent } from './content.ts'
import type { Ledger, Version } from './ledger.ts'

export interface Remains {
  readonly ledger: Ledger
  /** What all replicas hold. */
  readonly tree: Tree
  /** Contents of the kept versions of all nodes. */
  readonly kept: ReadonlySet<string>
}

/** Undefined: it has none that could be lost. */
export function contentOf(item: TreeItem | undefined): string | undefined {
  if (item?.kind === 'file') return item.hash
  return item?.kind === 'symlink' ? linkContent(item.target) : undefined
}

export function auditVersions(remains: Remains): string[] {
  return [...lost(remains), ...risen(remains)]
}

/** Every version written is the file, a conflict copy of it, a kept version, or was replaced by somebody who had seen it. */
function lost({ ledger, tree, kept }: Remains): string[] {
  const copies = new Set<string>()
  for (const [path, item] of tree) {
    const content = contentOf(item)
    if (content !== undefined && isCopy(path)) copies.add(`${originOf(path)}\0${content}`)
  }
  const isThere = ({ path, content }: Version): boolean =>
    contentOf(tree.get(path)) === content || copies.has(`${originOf(path)}\0${content}`) || kept.has(content)
  return ledger.versions
    .filter((version) => version.written > 0 && version.replaced === 0 && !isThere(version))
    .map((version) => `lost: ${describe(version)}`)
}

/** A version that somebody who had seen it replaced must not be there again, unless it was written there once more. Conflict copies are
 *  left out: two nodes that settle one conflict apart make the same copy, perhaps after somebody looked after the first. */
function risen({ ledger, tree }: Remains): string[] {
  if (ledger.historyLost) return []
  return ledger.versions
    .filter(({ path, content, buried, written }) => {
      return buried > 0 && written === 1 && !isCopy(path) && contentOf(tree.get(path)) === content
    })
    .map((version) => `risen from the dead: ${describe(version)}`)
}

function describe({ path, content, writers }: Version): string {
  return `${showPath(path)} as ${[...writers].join(' and ')} wrote it (${content.slice(0, 12)})`
}

const isCopy = (path: string): boolean => isConflictCopy(path as RelativePath)

/** A copy can have a copy. */
function originOf(path: string): string {
  let origin = path
  while (isCopy(origin)) origin = conflictOrigin(origin as RelativePath).original
  return origin
}
