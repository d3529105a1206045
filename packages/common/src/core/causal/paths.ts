import type { FolderIndex } from './folder-index.ts'
import type { RelativePath, Row } from './types.ts'

/** From the nearest to the farthest, without the root. */
export function ancestors(path: RelativePath): RelativePath[] {
  const found: RelativePath[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) found.push(path.slice(0, end))
  return found
}

/** '' is the root. */
export function parentOf(path: RelativePath): RelativePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** The nearest ancestor that is alive in the index and not a directory. */
export function blockerOf(index: Pick<FolderIndex, 'get'>, path: RelativePath): Row | undefined {
  for (const ancestor of ancestors(path)) {
    const row = index.get(ancestor)
    if (row && !row.deleted) return row.kind === 'dir' ? undefined : row
  }
  return undefined
}
