import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Replaced, replacedBy } from '@spansync/common/core/agent/brought'
import type { FetchItem, Seen } from '@spansync/common/core/agent/events'
import { conflictPath } from '@spansync/common/core/causal/conflict-name'
import { matches } from '@spansync/common/core/causal/content'
import type { Entry, NodeId, RelativePath, ReplicaId, StatSignature } from '@spansync/common/core/causal/types'
import type { Clock, FolderIndex } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { orGone } from '../disk/gone.ts'
import { moveOut } from '../disk/keep.ts'
import { kindOf, lstat as look, signatureOf } from '../disk/stat.ts'
import type { SessionOutcome } from '../folder/sessions.ts'
import { HeldFiles } from './held-files.ts'
import { removeEmpty, removeEmptyBelow } from './prune.ts'
import { SeenVersions, type Span } from './seen-versions.ts'
import { backupDirectory, type FoundBackup, findBackups, laterBackup, peersWithBackups } from './unison-backups.ts'

export interface BackupsOptions {
  /** Of this folder's versions. */
  readonly directory: string
  readonly root: string
  readonly index: Pick<FolderIndex, 'meta'>
  readonly disk: Pick<DiskWorker, 'perform'>
  readonly clock: Clock
  readonly log: Logger
  /** Aborts when the folder is closed. */
  readonly signal: AbortSignal
  /** A conflict copy has been put here. */
  readonly copied: (path: RelativePath) => void
}

/** What one fetch may overwrite here, through as many sessions as it takes. */
export interface WatchedFetch {
  /** Runs a session and sees to what Unison has put aside in it, before anybody asks what has come. */
  session(run: () => Promise<SessionOutcome>): Promise<SessionOutcome>
  /** What is on the disk now is about to be in the index. */
  saw(found: readonly Pick<Seen, 'path' | 'disk'>[]): void
  /** All that it did is in the index. */
  end(): void
}

/** What Unison puts aside when it overwrites something here: a version that the index knew goes to the kept versions. Anything else is
 *  an edit of the last instant, which nobody has seen yet: it comes back as a conflict copy, so that it reaches every replica. */
export class Backups {
  readonly #options: BackupsOptions
  readonly #seen = new SeenVersions()
  readonly #running = new Map<NodeId, number>()
  /** Per peer the fetches whose Unison may still be at work. */
  readonly #given = new Map<NodeId, Span[]>()
  /** One after the other: two must not take the same backup. */
  #collecting: Promise<void> = Promise.resolve()
  #isSweeping = false

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  watch(peer: NodeId, items: readonly FetchItem[]): WatchedFetch {
    const span = this.#seen.begin()
    span.add(replacedBy(items))
    // What the next session finds is perhaps what this one brings.
    span.add(items.map(({ entry }) => entry))
    let isOver = true
    return {
      session: async (run) => {
        using held = this.#hold(items)
        this.#running.set(peer, this.#runningWith(peer) + 1)
        try {
          const outcome = await run()
          isOver &&= outcome.result !== 'refused'
          return outcome
        } finally {
          this.#running.set(peer, this.#runningWith(peer) - 1)
          await this.#save(peer, held)
          await this.#collect(peer, isOver)
        }
      },
      saw: (found) => {
        span.add(found.flatMap(({ path, disk }) => (disk ? [{ ...disk, path }] : [])))
      },
      end: () => {
        if (isOver) return span.end()
        const given = [...(this.#given.get(peer) ?? []), span]
        // Enough for whatever is still at work.
        for (const old of given.splice(0, given.length - mostGiven)) old.end()
        this.#given.set(peer, given)
      },
    }
  }

  /** The disk shows something new: perhaps a running Unison has replaced what was here, with nobody asking for it. What the index still
   *  says is then no edit that nobody has seen. */
  noticed(found: readonly Pick<Seen, 'path' | 'local' | 'disk'>[]): void {
    const isNew = ({ local, disk }: Pick<Seen, 'local' | 'disk'>): boolean =>
      local?.deleted === false && local.kind !== 'dir' && !matches(local, disk)
    const replaced = found.filter(isNew).flatMap(({ local }) => local ?? [])
    for (const version of replaced) this.#seen.note(version)
    if (replaced.length > 0) this.#sweepSoon()
  }

  #sweepSoon(): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const { clock, signal, log } = this.#options
    clock
      .sleep(sweepMs, signal)
      .then(() => {
        this.#isSweeping = false
        return this.#sweep()
      })
      .catch((error) => {
        if (!signal.aborted)
          log.warn({ event: 'versions.not_swept', err: error }, 'it is tried again with the next change')
      })
  }

  async #sweep(): Promise<void> {
    for (const peer of await peersWithBackups(this.#options.directory)) await this.#collect(peer as NodeId, false)
  }

  #hold(items: readonly FetchItem[]): HeldFiles {
    const held = new HeldFiles()
    for (const { entry, local, transit } of items) {
      const before = transit ?? (local?.deleted === false && local.kind === 'file' ? local : undefined)
      if (before) held.hold(entry.path, join(this.#options.root, entry.path), before)
    }
    return held
  }

  async #save(peer: NodeId, held: HeldFiles): Promise<void> {
    const { clock, log } = this.#options
    const directory = backupDirectory(this.#options.directory, peer)
    try {
      await held.save((path) => laterBackup(directory, path), clock)
    } catch (error) {
      log.error(
        { event: 'versions.edit_lost', peer, err: error },
        'an edit in the moment that a version arrived could not be saved: make room for the versions directory in the home',
      )
    }
  }

  #runningWith(peer: NodeId): number {
    return this.#running.get(peer) ?? 0
  }

  /** `isOver` is false when Unison may still be at work: a file that it has not replaced may be one that it is copying. */
  async #collect(peer: NodeId, isOver: boolean): Promise<void> {
    const collect = async (): Promise<void> => {
      const isAtRest = (): boolean => isOver && this.#runningWith(peer) === 0
      const given = this.#given.get(peer) ?? []
      const wasAtRest = isAtRest()
      const directory = backupDirectory(this.#options.directory, peer)
      for (const backup of await this.#find(directory)) {
        if (!isAtRest() && this.#isStillThere(backup)) continue
        await this.#take(backup, this.#seen.of(backup.path))
      }
      if (!wasAtRest || !isAtRest()) return
      this.#given.delete(peer)
      for (const span of given) span.end()
      // A running session makes what is missing in it, but not the directory itself.
      await removeEmptyBelow(directory)
    }
    this.#collecting = this.#collecting.then(collect, collect)
    await this.#collecting
  }

  /** What a crash has left, before anything else is looked at. */
  async recover(known: readonly Replaced[]): Promise<void> {
    for (const peer of await peersWithBackups(this.#options.directory)) {
      const directory = backupDirectory(this.#options.directory, peer)
      for (const backup of await this.#find(directory)) {
        await this.#take(
          backup,
          known.filter(({ path }) => path === backup.path),
        )
      }
      await removeEmpty(directory, this.#options.directory)
    }
  }

  /** The folder still shows what the backup was made of. */
  #isStillThere({ path, stat }: FoundBackup): boolean {
    const stats = look(join(this.#options.root, path))
    const now = stats && signatureOf(stats)
    return now !== undefined && now.size === stat.size && now.mtimeUs === stat.mtimeUs
  }

  /** Of an edit that came late there may be two: what was held open may have been put aside by Unison as well. */
  async #find(directory: string): Promise<FoundBackup[]> {
    const found = await findBackups(directory)
    const again: FoundBackup[] = []
    for (const late of found.filter(({ age }) => age < 0)) {
      const hash = await hashOf(late.file)
      const others = found.filter(({ path, age }) => path === late.path && age > late.age)
      const hashes = await Promise.all(others.map(({ file }) => hashOf(file)))
      const seen = this.#seen.of(late.path).map((version) => version.hash)
      if (![...hashes, ...seen].includes(hash)) continue
      await rm(late.file)
      again.push(late)
    }
    return found.filter((backup) => !again.includes(backup))
  }

  async #take(backup: FoundBackup, known: readonly Replaced[]): Promise<void> {
    const { directory, clock, log } = this.#options
    try {
      if (!(await isKnown(backup, known))) await this.#copyBack(backup)
      moveOut(backup.file, { directory, atMs: clock.wallNow(), path: backup.path })
    } catch (error) {
      // It stays where it is, and is looked at again after the next session.
      log.warn(
        { event: 'versions.not_kept', path: backup.path, err: error },
        'look at the versions directory in the home',
      )
    }
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

const mostGiven = 8

/** Long enough for the file to be in place and to have been read. */
const sweepMs = 500

/** By its content: Unison reads the times first and the content later, so that an edit in between has the times of what it replaced.
 *  And what the index says by now is no evidence: an edit that it has learned of since is none that the peer's version knew of. */
async function isKnown({ file, stat }: FoundBackup, known: readonly Replaced[]): Promise<boolean> {
  if (known.length === 0) return false
  const hash = await hashOf(file)
  return known.some((version) =>
    version.hash === '' ? version.size === stat.size && version.mtimeUs === stat.mtimeUs : version.hash === hash,
  )
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
