import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Replaced, replacedBy } from '@spansync/common/core/agent/brought'
import type { FetchItem } from '@spansync/common/core/agent/events'
import { conflictPath } from '@spansync/common/core/causal/conflict-name'
import type { Entry, NodeId, RelativePath, ReplicaId, StatSignature } from '@spansync/common/core/causal/types'
import type { Clock, FolderIndex } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { orGone } from '../disk/gone.ts'
import { moveOut } from '../disk/keep.ts'
import { kindOf, lstat as look, signatureOf } from '../disk/stat.ts'
import { removeEmpty, removeEmptyBelow } from './prune.ts'
import { backupDirectory, type FoundBackup, findBackups, peersWithBackups } from './unison-backups.ts'

export interface BackupsOptions {
  /** Of this folder's versions. */
  readonly directory: string
  readonly root: string
  readonly index: Pick<FolderIndex, 'get' | 'meta'>
  readonly disk: Pick<DiskWorker, 'perform'>
  readonly clock: Clock
  readonly log: Logger
  /** A conflict copy has been put here. */
  readonly copied: (path: RelativePath) => void
}

/** What Unison puts aside when it overwrites something here: a version that the index knew goes to the kept versions. Anything else is
 *  an edit of the last instant, which nobody has seen yet: it comes back as a conflict copy, so that it reaches every replica. */
export class Backups {
  readonly #options: BackupsOptions
  /** Per peer what its sessions may replace. It stays until all of them have surely ended. */
  readonly #replaced = new Map<NodeId, Replaced[]>()
  readonly #sessions = new Map<NodeId, number>()

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  /** Before a session begins. */
  expect(peer: NodeId, items: readonly FetchItem[]): void {
    this.#sessions.set(peer, (this.#sessions.get(peer) ?? 0) + 1)
    this.#replaced.set(peer, [...(this.#replaced.get(peer) ?? []), ...replacedBy(items)])
  }

  /** After a session. `isOver` is false when Unison may still be at work: a file that it has not replaced may be one that it is
   *  copying. */
  async collect(peer: NodeId, { isOver }: { readonly isOver: boolean }): Promise<void> {
    const left = (this.#sessions.get(peer) ?? 1) - 1
    this.#sessions.set(peer, left)
    const mayGoOn = !isOver || left > 0
    const known = this.#replaced.get(peer) ?? []
    const directory = backupDirectory(this.#options.directory, peer)
    for (const backup of await findBackups(directory)) {
      if (!mayGoOn || !this.#isStillThere(backup)) await this.#take(backup, known)
    }
    if (mayGoOn) return
    this.#replaced.delete(peer)
    // A running session makes what is missing in it, but not the directory itself.
    await removeEmptyBelow(directory)
  }

  /** What a crash has left, before anything else is looked at. */
  async recover(known: readonly Replaced[]): Promise<void> {
    for (const peer of await peersWithBackups(this.#options.directory)) {
      const directory = backupDirectory(this.#options.directory, peer)
      for (const backup of await findBackups(directory)) await this.#take(backup, known)
      await removeEmpty(directory, this.#options.directory)
    }
  }

  /** The folder still shows what the backup was made of. */
  #isStillThere({ path, stat }: FoundBackup): boolean {
    const stats = look(join(this.#options.root, path))
    const now = stats && signatureOf(stats)
    return now !== undefined && now.size === stat.size && now.mtimeUs === stat.mtimeUs
  }

  async #take(backup: FoundBackup, known: readonly Replaced[]): Promise<void> {
    const { directory, clock, log } = this.#options
    try {
      if (!(await this.#isKnown(backup, known))) await this.#copyBack(backup)
      moveOut(backup.file, { directory, atMs: clock.wallNow(), path: backup.path })
    } catch (error) {
      // It stays where it is, and is looked at again after the next session.
      log.warn(
        { event: 'versions.not_kept', path: backup.path, err: error },
        'look at the versions directory in the home',
      )
    }
  }

  /** Size and time as the index had them are trusted, as a scan does; else the content is read. */
  async #isKnown({ path, stat, file }: FoundBackup, known: readonly Replaced[]): Promise<boolean> {
    const row = this.#options.index.get(path)
    const here = known.filter((one) => one.path === path)
    const versions = row && !row.deleted ? [...here, row] : here
    if (versions.some(({ size, mtimeUs }) => size === stat.size && mtimeUs === stat.mtimeUs)) return true
    if (versions.length === 0) return false
    const hash = await hashOf(file)
    return versions.some((version) => version.hash === hash)
  }

  async #copyBack({ path, stat, file, kind }: FoundBackup): Promise<void> {
    const { root, disk, index, copied, log } = this.#options
    const hash = await hashOf(file)
    const loser = loserOf(path, { hash, kind, stat, writer: index.meta().replica })
    for (const attempt of [0, 1, 2, 4, 5]) {
      const to = conflictPath(loser, attempt)
      const [result] = await disk.perform(root, [{ op: 'restore', file, to, toExpect: null, mtimeUs: stat.mtimeUs }])
      if (result?.code === 'done') {
        log.warn(
          { event: 'versions.unseen_edit', path, copy: to },
          'it was edited in the moment that a version arrived',
        )
        return copied(to)
      }
      if (result?.code !== 'changed') throw new Error(result?.message ?? 'it could not be copied')
      if ((await hashOf(join(root, to)).catch(orGone(undefined))) === hash) return
    }
    throw new Error('every name for a conflict copy is taken')
  }
}

interface Loser {
  readonly hash: string
  readonly kind: 'file' | 'symlink'
  readonly stat: StatSignature
  readonly writer: ReplicaId
}

function loserOf(path: RelativePath, { hash, kind, stat, writer }: Loser): Entry {
  const { size, mtimeUs, mode } = stat
  return { path, kind, hash, size, mtimeUs, mode, deleted: false, vector: {}, dots: [[writer, 0]] }
}

async function hashOf(file: string): Promise<string> {
  const stats = await lstat(file)
  const sum: Hash = createHash('sha256')
  if (kindOf(stats) === 'symlink') return sum.update(await readlink(file, { encoding: 'buffer' })).digest('hex')
  for await (const chunk of createReadStream(file)) sum.update(chunk as Buffer)
  return sum.digest('hex')
}
