import { access, copyFile, link, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FetchItem } from '@spansync/common/core/agent/events'
import { sameBytes } from '@spansync/common/core/causal/content'
import { ancestors } from '@spansync/common/core/causal/paths'
import type { DiskState, NodeId, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import type { DiskWorker } from '../../disk/disk-worker.ts'
import { orGone } from '../../disk/gone.ts'
import type { KeptPlace } from '../../disk/kept-place.ts'
import { markerDirectory, markerFile } from '../../disk/marker.ts'
import { stagingRoot, stagingRoots } from '../../disk/staging.ts'
import { lstat as lookAt, sameFile, signatureOf } from '../../disk/stat.ts'
import type { Task } from '../../disk/tasks.ts'
import { isLeftover } from '../../unison/leftovers.ts'
import { isAlive } from '../live-rows.ts'

export interface StagingOptions {
  readonly root: string
  readonly disk: Pick<DiskWorker, 'observe' | 'perform'>
  readonly keptPlace: (path: RelativePath) => KeptPlace
  /** What the disk must show for an item to be put in place. */
  readonly expectedAt: (item: FetchItem) => StatSignature | null
  /** This content has come and is not what was asked for; the file may be moved away. Perhaps it is what is announced next. */
  readonly spare: (hash: string, file: string) => Promise<void>
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
    for (const { root } of await stagingRoots(this.#options.root)) await clean(root)
  }

  /** Makes ready for those of the items that can be staged. The others have to come in another way. */
  async prepare(peer: NodeId, items: readonly FetchItem[]): Promise<StagedItems> {
    const meant = items.filter((item) => !concernsDirectory(item) && this.#fits(peer, item))
    const staged = new Map<FetchItem, StatSignature | null>()
    if (meant.length === 0 || !(await this.#make(peer))) return staged
    const ready = await Promise.all(meant.map(async (item) => ({ item, expect: await this.#prepare(peer, item) })))
    for (const { item, expect } of ready) if (expect !== undefined) staged.set(item, expect)
    return staged
  }

  /** Those of the paths (all, when none are named) at which the disk still shows what it did. One look at each, and nothing is read: what
   *  comes is put in place only where that is so, whatever is said here. */
  undisturbed(staged: StagedItems, paths?: readonly RelativePath[]): RelativePath[] {
    const asked = paths && new Set(paths)
    return [...staged].flatMap(
      ([
        {
          entry: { path },
        },
        expect,
      ]) => {
        return (asked === undefined || asked.has(path)) && this.#isThere(path, expect) ? [path] : []
      },
    )
  }

  #isThere(path: RelativePath, expect: StatSignature | null): boolean {
    const stats = lookAt(join(this.#options.root, path))
    if (expect === null || stats === undefined) return expect === null && stats === undefined
    return sameFile(signatureOf(stats), expect)
  }

  /** Puts in place what has come and is what was asked for. Answers what is on the disk there now. */
  async land(peer: NodeId, staged: StagedItems): Promise<Map<RelativePath, DiskState>> {
    const byPath = new Map([...staged].map(([item, expect]) => [item.entry.path, { item, expect }]))
    const { disk, root } = this.#options
    const staging = this.of(peer)
    try {
      const came: { readonly item: FetchItem; readonly expect: StatSignature | null; readonly disk: DiskState }[] = []
      // Without its own marker nothing in it counts; whether the folder itself is there shows below.
      for (const one of await disk.observe(staging, [...byPath.keys()]).catch(() => [])) {
        const asked = byPath.get(one.path)
        if (asked && 'disk' in one && one.disk && one.disk.kind !== 'dir') came.push({ ...asked, disk: one.disk })
      }
      const wanted = came.filter(({ item, disk: found }) => sameBytes(item.entry, found))
      const results = await disk.perform(
        root,
        wanted.map(({ item, expect }) => this.#adoption(staging, item, expect)),
      )
      const landed = new Map(
        wanted.flatMap(({ item }, at) => {
          const result = results[at]
          return result?.code === 'done' && result.disk ? [[item.entry.path, result.disk] as const] : []
        }),
      )
      for (const { item, disk: found } of came) {
        const { entry, local } = item
        if (landed.has(entry.path) || found.kind !== 'file' || found.hash === local?.hash) continue
        await this.#options.spare(found.hash, join(staging, entry.path))
      }
      return landed
    } finally {
      // Not least the second names of files of the folder.
      await Promise.allSettled(
        [...byPath.keys()].map((path) => rm(join(staging, path), { recursive: true, force: true })),
      )
    }
  }

  #adoption(staging: string, item: FetchItem, expect: StatSignature | null): Task {
    const { path, kind, mode, mtimeUs, hash } = item.entry
    const file = join(staging, path)
    const toExpect = this.#asNow(path, expect)
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
      await copyFile(marker, join(staging, markerFile))
      return true
    } catch {
      // A session in the folder will say what is wrong.
      return false
    }
  }

  /** What the disk has to show when it comes; undefined: it cannot come this way. */
  async #prepare(peer: NodeId, item: FetchItem): Promise<StatSignature | null | undefined> {
    const { entry, local } = item
    const expect = this.#options.expectedAt(item)
    const [full, file] = [join(this.#options.root, entry.path), join(this.of(peer), entry.path)]
    const isDelta = entry.kind === 'file' && isAlive(local) && local.kind === 'file' && local.size >= leastForDelta
    try {
      await makeParents(this.of(peer), entry.path)
      await rm(file, { recursive: true, force: true })
      if (!isDelta || expect === null) return expect
      // A second name: Unison reads it to send only what differs, and renames over this name of it.
      await link(full, file)
    } catch {
      // No hard links here, no room, or it has just gone: Unison has to work in the folder itself.
      return undefined
    }
    return expect
  }
}

/** What is to come, and what the disk has to show then where it is to be put. */
export type StagedItems = ReadonlyMap<FetchItem, StatSignature | null>

function concernsDirectory({ entry, local }: FetchItem): boolean {
  return entry.kind === 'dir' || (isAlive(local) && local.kind === 'dir')
}

/** What has been a file may be a directory now. */
async function makeParents(staging: string, path: RelativePath): Promise<void> {
  const directory = dirname(join(staging, path))
  const make = async (): Promise<unknown> => await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    await make()
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR' && errnoOf(error) !== 'EEXIST') throw error
    for (const parent of ancestors(path)) {
      const stats = await lstat(join(staging, parent)).catch(orGone(undefined))
      if (stats && !stats.isDirectory()) await rm(join(staging, parent))
    }
    await make()
  }
}

/** Leaves only unfinished files, and the directories that they are in. */
async function clean(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(orGone([]))) {
    const full = join(directory, entry.name)
    if (entry.isDirectory()) await clean(full)
    else if (!isLeftover(entry.name)) await rm(full, { force: true })
  }
  await rmdir(directory).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
  })
}
