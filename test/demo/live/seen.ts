import { hash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs'

/** What one replica holds at one path. */
export interface Seen {
  readonly kind: 'file' | 'dir' | 'symlink' | 'other'
  /** Equal on two replicas when the contents are. */
  readonly content: string
  readonly executable: boolean
  readonly inode: number
  /** Unchanged: no need to read it again. */
  readonly stamp: string
}

/** Larger files are told apart by size and time alone: they would be read again and again while they grow. */
const mostHashedBytes = 4 << 20

/** Paths are bytes, as latin1, below `root`. Undefined: nothing is there. */
export function see(root: string, path: string, last: Seen | undefined): Seen | undefined {
  const full = absolute(root, path)
  try {
    const stats = lstatSync(full)
    const stamp = [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs, stats.mode].join()
    if (last?.stamp === stamp && last.kind !== 'dir') return last
    return { ...describe(full, stats), executable: (stats.mode & 0o100) !== 0, inode: stats.ino, stamp }
  } catch {
    return undefined
  }
}

export function absolute(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])
}

function describe(full: Buffer, stats: Stats): Pick<Seen, 'kind' | 'content'> {
  if (stats.isDirectory()) return { kind: 'dir', content: '' }
  if (stats.isSymbolicLink()) return { kind: 'symlink', content: readlinkSync(full, 'latin1') }
  if (!stats.isFile()) return { kind: 'other', content: '' }
  // Spansync keeps times; to the second they survive every file system but FAT.
  if (stats.size > mostHashedBytes)
    return { kind: 'file', content: `${stats.size} ${Math.floor(stats.mtimeMs / 1000)}` }
  return { kind: 'file', content: hash('sha256', readFileSync(full)) }
}

/** Directories are equal whatever their permissions: they are not the same on all systems. */
export function equal(a: Seen | undefined, b: Seen | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.kind === b.kind && a.content === b.content && (a.kind !== 'file' || a.executable === b.executable)
}
