import { ancestors } from '../core/causal/paths.ts'
import type { DiskState, Kind, RelativePath, Row, StatSignature } from '../core/causal/types.ts'

export interface SimFile {
  readonly path: RelativePath
  readonly kind: Kind
  readonly hash: string
  readonly mode: number
  readonly mtimeUs: number
  readonly ctimeUs: number
}

/** A replica's file system in memory: paths with parents that are directories, inodes, and which of these a session has put in place. */
export class SimDisk {
  readonly files = new Map<RelativePath, DiskState>()
  /** Directories that have held something, so that most paths need no look at all others. */
  readonly #parents = new Set<RelativePath>()
  readonly #placed = new Set<number>()
  #inode = 1

  state(path: RelativePath): DiskState | undefined {
    return this.files.get(path)
  }

  paths(): RelativePath[] {
    return [...this.files.keys()]
  }

  below(path: RelativePath): RelativePath[] {
    if (!this.#parents.has(path)) return []
    const prefix = `${path}/`
    return this.paths().filter((other) => other.startsWith(prefix))
  }

  /** Makes the missing parents. False when one of them is not a directory. */
  makeParents(path: RelativePath, nowUs: number): boolean {
    const parts = path.split('/').slice(0, -1)
    let parent = ''
    for (const part of parts) {
      parent = parent === '' ? part : `${parent}/${part}`
      const state = this.files.get(parent)
      if (state && state.kind !== 'dir') return false
      if (!state) this.put({ path: parent, kind: 'dir', hash: '', mode: 0o755, mtimeUs: 0, ctimeUs: nowUs })
    }
    return true
  }

  put(file: SimFile): void {
    const { path, kind, hash, mode } = file
    const mtimeUs = kind === 'dir' ? 0 : file.mtimeUs
    const size = kind === 'dir' ? 0 : hash.length
    const stat: StatSignature = { mtimeUs, ctimeUs: file.ctimeUs, size, inode: this.#inode++, mode }
    this.files.set(path, { kind, size, mtimeUs, mode, hash, stat })
    for (const parent of ancestors(path)) this.#parents.add(parent)
  }

  /** What a session brings. */
  place(file: SimFile): void {
    this.#placed.add(this.#inode)
    this.put(file)
  }

  isPlaced(path: RelativePath): boolean {
    const inode = this.files.get(path)?.stat.inode
    return inode !== undefined && this.#placed.has(inode)
  }

  chmod(path: RelativePath, mode: number, ctimeUs: number): void {
    const state = this.files.get(path)
    if (state) this.files.set(path, { ...state, mode, stat: { ...state.stat, mode, ctimeUs } })
  }

  remove(path: RelativePath): void {
    for (const child of this.below(path)) this.files.delete(child)
    this.files.delete(path)
  }

  /** As rmdir(2): false when the directory still holds something. */
  removeEmpty(path: RelativePath): boolean {
    if (this.below(path).length > 0) return false
    this.remove(path)
    return true
  }

  /** Is the path still as it was when the row was written? */
  isAs(path: RelativePath, row: Row | undefined): boolean {
    return sameStat(this.files.get(path)?.stat, row?.deleted ? undefined : row?.stat)
  }
}

export function sameStat(left: StatSignature | undefined, right: StatSignature | undefined): boolean {
  if (!left || !right) return left === right
  const sameTimes = left.mtimeUs === right.mtimeUs && left.ctimeUs === right.ctimeUs
  return sameTimes && left.inode === right.inode && left.mode === right.mode
}
