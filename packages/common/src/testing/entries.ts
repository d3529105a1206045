import type { FetchItem } from '../core/agent/events.ts'
import type { DiskState, Dot, Entry, ReplicaId, VersionVector } from '../core/causal/types.ts'

type More = Partial<Omit<Entry, 'path' | 'vector'>>

/** A file as a peer tells of it. Its content is the hash; every key of its vector made it, unless told otherwise. */
export function file(path: string, hash: string, vector: VersionVector, more: More = {}): Entry {
  const dots = Object.entries(vector).map(([replica, counter]): Dot => [replica as ReplicaId, counter])
  return {
    path,
    kind: 'file',
    deleted: false,
    size: hash.length,
    mtimeUs: 5_000_000,
    mode: 0o644,
    hash,
    vector,
    dots,
    ...more,
  }
}

export function directory(path: string, vector: VersionVector, more: More = {}): Entry {
  return file(path, '', vector, { kind: 'dir', mtimeUs: 0, mode: 0o755, ...more })
}

export function tombstone(path: string, vector: VersionVector, more: More = {}): Entry {
  return file(path, '', vector, { deleted: true, mtimeUs: 0, mode: 0, ...more })
}

/** A file on the disk as a program's own write leaves it. */
export function written(hash: string, more: Partial<DiskState> = {}): DiskState {
  const content = { kind: 'file', size: hash.length, mtimeUs: 5_000_000, mode: 0o644, hash, ...more } as const
  const { mtimeUs, size, mode } = content
  return { ...content, stat: { mtimeUs, ctimeUs: mtimeUs, size, mode, inode: 1 }, ...more }
}

/** A file as a session leaves it: with its old modification time. */
export function arrived(hash: string, more: Partial<DiskState> = {}): DiskState {
  const disk = written(hash, more)
  return { ...disk, stat: { ...disk.stat, ctimeUs: disk.mtimeUs + 1 } }
}

export function folder(mode = 0o755): DiskState {
  return written('', { kind: 'dir', mtimeUs: 0, mode })
}

/** Wanted by a replica that has nothing there. */
export function fetchItem(entry: Entry): FetchItem {
  return { entry, local: undefined, transit: undefined, clear: false, attempts: 0 }
}
