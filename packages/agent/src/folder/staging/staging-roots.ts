import { access, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FetchItem } from '@spansync/common/core/agent/events'
import { sameBytes } from '@spansync/common/core/causal/content'
import { ancestors } from '@spansync/common/core/causal/paths'
import type { DiskState, NodeId, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import type { DiskWorker } from '../../disk/disk-worker.ts'
import { orGone } from '../../disk/gone.ts'
import type { KeptPlace } from '../../disk/kept-place.ts'
import { markerDirectory, markerFile } from '../../disk/marker.ts'
import { MarkerError } from '../../disk/marker-errors.ts'
import { ParentGuard } from '../../disk/parents.ts'
import { stagingRoot, stagingRoots } from '../../disk/staging.ts'
import { lstat as lookAt, sameFile, signatureOf } from '../../disk/stat.ts'
import type { Task } from '../../disk/tasks.ts'
import { isLeftover } from '../../unison/leftovers.ts'
import { isRemoved } from '../../versions/prune.ts'
import { isAlive } from '../live-rows.ts'

export interface StagingOptions {
  readonly root: string
  readonly disk: Pick<DiskWorker, 'observe' | 'perform'>
  readonly keptPlace: (path: RelativePath) => KeptPlace
  /** What the disk must show for an item to be put in place. */
  readonly expectedAt: (item: FetchItem) => StatSignature | null
  /** This content has come and is not what was asked for; the file may be moved away. Perhaps it is what is announced next. */
  readonly spare: (found: DiskState, file: string) => Promise<void>
}

/** Smaller files come whole: to find out what differs costs as much. */
const leastForDelta = 32 << 10
/** Of 4096 bytes that a path may have, Unison needs some for its temporary names. */
const longestPath = 3800

/** Where Unison puts what it brings, one file at a time: roots inside the folder, one per peer, in which nobody else works.
 *  Unison looks at a file, copies it aside, and then renames the new version over it: what a person renames over it in that moment is
 *  gone. So it renames in here, and the disk thread puts in place what came, if the file is still what the loop decided on. Whatever
 *  else comes never reaches the folder. */
export class StagingRoots {
  readonly #options: StagingOptions

  constructor(options: StagingOptions) {
    this.#options = options
  }

  of(peer: NodeId): string {
    return stagingRoot(this.#options.root, peer)
  }

  /** After a crash: unfinished files stay, for Unison goes on with them. */
  async start(): Promise<void> {
    const cleaned = await Promise.allSettled((await stagingRoots(this.#options.root)).map(({ root }) => clean(root)))
    for (const one of cleaned) if (one.status === 'rejected') throw one.reason
  }

  /** Makes ready for those of the items that can be staged. The others have to come in another way. */
  async prepare(peer: NodeId, items: readonly FetchItem[]): Promise<StagedItems> {
    const meant = items.filter((item) => !concernsDirectory(item) && this.#fits(peer, item))
    const staged = new Map<FetchItem, Staged>()
    if (meant.length === 0 || !(await this.#make(peer))) return staged
    const ready = await Promise.all(meant.map(async (item) => ({ item, one: await this.#prepare(peer, item) })))
    for (const { item, one } of ready) if (one !== undefined) staged.set(item, one)
    return staged
  }

  /** Those of the paths (all, when none are named) at which the disk still shows what it did. One look at each, and nothing is read: what
   *  comes is put in place only where that is so, whatever is said here. */
  undisturbed(staged: StagedItems, paths?: readonly RelativePath[]): RelativePath[] {
    const asked = paths && new Set(paths)
    const found: RelativePath[] = []
    for (const [{ entry }, { expect }] of staged) {
      const isAsked = asked === undefined || asked.has(entry.path)
      if (isAsked && this.#isThere(entry.path, expect)) found.push(entry.path)
    }
    return found
  }

  #isThere(path: RelativePath, expect: StatSignature | null): boolean {
    const stats = lookAt(join(this.#options.root, path))
    if (expect === null || stats === undefined) return expect === null && stats === undefined
    return sameFile(signatureOf(stats), expect)
  }

  /** Puts in place what has come and is what was asked for. Answers what is on the disk there now, and what stood in the way where that
   *  is not an edit. */
  async land(peer: NodeId, staged: StagedItems): Promise<Landed> {
    const staging = this.of(peer)
    const paths = [...staged.keys()].map(({ entry }) => entry.path)
    try {
      const came = await this.#came(staging, staged)
      const wanted = came.filter(({ item, found }) => sameBytes(item.entry, found))
      const results = await this.#options.disk.perform(
        this.#options.root,
        wanted.map((one) => this.#adoption(staging, one)),
      )
      const landed = new Map<RelativePath, DiskState>()
      let problem: string | undefined
      for (const [at, result] of results.entries()) {
        const path = wanted[at]?.item.entry.path
        if (path !== undefined && result.code === 'done' && result.disk) landed.set(path, result.disk)
        else if (result.code !== 'done' && !harmless.has(result.code)) problem ??= result.message
      }
      for (const { item, found } of came) {
        const { path } = item.entry
        if (!landed.has(path) && found.kind === 'file') await this.#options.spare(found, join(staging, path))
      }
      return { landed, problem }
    } finally {
      // Not least the second names of files of the folder.
      await Promise.allSettled(paths.map((path) => removeOwn(staging, path)))
    }
  }

  /** What is in the root besides the old versions that were put there for Unison to read. */
  async #came(staging: string, staged: StagedItems): Promise<Came[]> {
    const byPath = new Map([...staged].map(([item, one]) => [item.entry.path, { item, ...one }]))
    const inodeAt = (path: RelativePath): number | undefined => lookAt(join(staging, path))?.ino
    const fresh = [...byPath].filter(([path, { expect, isLinked }]) => !isLinked || inodeAt(path) !== expect?.inode)
    const asked = fresh.map(([path]) => path)
    // Without its own marker nothing in it counts; whether the folder itself is there shows when something is put in place.
    const seen = await this.#options.disk.observe(staging, asked).catch((error: unknown) => {
      if (error instanceof MarkerError) return []
      throw error
    })
    return seen.flatMap((one) => {
      const about = byPath.get(one.path)
      const found = 'disk' in one ? one.disk : undefined
      return about && found && found.kind !== 'dir' ? [{ ...about, found }] : []
    })
  }

  #adoption(staging: string, { item, expect, isLinked }: Came): Task {
    const { path, kind, mode, mtimeUs, hash } = item.entry
    const file = join(staging, path)
    const toExpect = isLinked ? this.#asNow(path, expect) : expect
    const content = { kind: kind === 'symlink' ? kind : ('file' as const), mode, mtimeUs, hash }
    return { op: 'adopt', file, to: path, toExpect, ...content, keepIn: this.#options.keptPlace(path) }
  }

  /** A second name that comes and goes moves a file's ctime, and nothing else of it. */
  #asNow(path: RelativePath, expect: StatSignature | null): StatSignature | null {
    const stats = expect === null ? undefined : lookAt(join(this.#options.root, path))
    const now = stats && signatureOf(stats)
    return now && expect && sameFile(now, expect) && now.mode === expect.mode ? now : expect
  }

  #fits(peer: NodeId, { entry }: FetchItem): boolean {
    return Buffer.byteLength(join(this.of(peer), entry.path)) <= longestPath
  }

  /** With the folder's own marker, without which Unison does nothing; false when that is not there, or nothing can be made. */
  async #make(peer: NodeId): Promise<boolean> {
    const staging = this.of(peer)
    const marker = join(this.#options.root, markerFile)
    try {
      // Where a disk is not mounted nothing may be made.
      await access(marker)
      await mkdir(join(staging, markerDirectory), { recursive: true, mode: 0o700 })
      // Not by `copyFile`: see `copyUntilEnd`.
      await writeFile(join(staging, markerFile), await readFile(marker))
      return true
    } catch {
      // A session in the folder will say what is wrong.
      return false
    }
  }

  /** Undefined: it cannot come this way. */
  async #prepare(peer: NodeId, item: FetchItem): Promise<Staged | undefined> {
    const { entry, local } = item
    const staging = this.of(peer)
    const expect = this.#options.expectedAt(item)
    const [full, file] = [join(this.#options.root, entry.path), join(staging, entry.path)]
    const isDelta = entry.kind === 'file' && isAlive(local) && local.kind === 'file' && local.size >= leastForDelta
    try {
      // Another disk may be mounted on the way to it, and a file is not renamed from one to another.
      if (lookAt(dirname(full))?.dev !== lookAt(staging)?.dev) return undefined
      await makeParents(staging, entry.path)
      await rm(file, { recursive: true, force: true })
      if (!isDelta || expect === null) return { expect, isLinked: false }
      // A second name: Unison reads it to send only what differs, and renames over this name of it.
      await link(full, file)
      return { expect, isLinked: true }
    } catch {
      // No hard links here, no room, or it has just gone: Unison has to work in the folder itself.
      return undefined
    }
  }
}

interface Staged {
  /** What the disk has to show where it is to be put; null: nothing. */
  readonly expect: StatSignature | null
  /** The file that is there has a second name in the root. */
  readonly isLinked: boolean
}

export type StagedItems = ReadonlyMap<FetchItem, Staged>

export interface Landed {
  readonly landed: ReadonlyMap<RelativePath, DiskState>
  readonly problem: string | undefined
}

interface Came extends Staged {
  readonly item: FetchItem
  readonly found: DiskState
}

/** Somebody has been at work there meanwhile: the loop decides anew. */
const harmless: ReadonlySet<string> = new Set(['changed', 'gone', 'not_empty'])

function concernsDirectory({ entry, local }: FetchItem): boolean {
  return entry.kind === 'dir' || (isAlive(local) && local.kind === 'dir')
}

/** What has been a file, or a link to somewhere else, may be a directory now. */
async function makeParents(staging: string, path: RelativePath): Promise<void> {
  for (const parent of ancestors(path)) {
    const stats = lookAt(join(staging, parent))
    if (stats && !stats.isDirectory()) await rm(join(staging, parent))
  }
  await mkdir(dirname(join(staging, path)), { recursive: true, mode: 0o700 })
}

/** Never through a link to somewhere else. */
async function removeOwn(staging: string, path: RelativePath): Promise<void> {
  if (new ParentGuard(staging).above(path) === 'real') await rm(join(staging, path), { recursive: true, force: true })
}

/** Leaves only unfinished files, and the directories that they are in. */
async function clean(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(orGone([]))) {
    const full = join(directory, entry.name)
    if (entry.isDirectory()) await clean(full)
    else if (!isLeftover(entry.name)) await rm(full, { force: true })
  }
  await isRemoved(directory)
}
