import { copyFile, link, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
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

  /** Makes ready for those of the items that can be staged, and answers which these are. */
  async prepare(peer: NodeId, items: readonly FetchItem[]): Promise<ReadonlySet<FetchItem>> {
    const meant = items.filter((item) => !concernsDirectory(item) && this.#fits(peer, item))
    if (meant.length === 0) return new Set()
    await this.#make(peer)
    const ready = await Promise.all(meant.map(async (item) => ((await this.#prepare(peer, item)) ? [item] : [])))
    return new Set(ready.flat())
  }

  /** Puts in place what has come and is what was asked for. Answers what is on the disk there now. */
  async land(peer: NodeId, items: Iterable<FetchItem>): Promise<Map<RelativePath, DiskState>> {
    const byPath = new Map([...items].map((item) => [item.entry.path, item]))
    if (byPath.size === 0) return new Map()
    const { disk, root } = this.#options
    const staging = this.of(peer)
    const came: { readonly item: FetchItem; readonly disk: DiskState }[] = []
    for (const one of await disk.observe(staging, [...byPath.keys()])) {
      const item = byPath.get(one.path)
      if (item && 'disk' in one && one.disk && one.disk.kind !== 'dir') came.push({ item, disk: one.disk })
    }
    const asked = came.filter(({ item, disk: found }) => sameBytes(item.entry, found))
    const results = await disk.perform(
      root,
      asked.map(({ item }) => this.#adoption(staging, item)),
    )
    const landed = new Map(
      asked.flatMap(({ item }, at) => {
        const result = results[at]
        return result?.code === 'done' && result.disk ? [[item.entry.path, result.disk] as const] : []
      }),
    )
    const others = came.filter(({ item: { entry, local }, disk: found }) => {
      return !landed.has(entry.path) && found.kind === 'file' && found.hash !== local?.hash
    })
    for (const { item, disk: found } of others) {
      await this.#options.spare(found.hash, join(staging, item.entry.path))
    }
    await Promise.all([...byPath.keys()].map((path) => rm(join(staging, path), { recursive: true, force: true })))
    return landed
  }

  #adoption(staging: string, item: FetchItem): Task {
    const { path, kind, mode, mtimeUs, hash } = item.entry
    const file = join(staging, path)
    const toExpect = this.#options.expectedAt(item)
    const content = { kind: kind === 'symlink' ? kind : ('file' as const), mode, mtimeUs, hash }
    return { op: 'adopt', file, to: path, toExpect, ...content, keepIn: this.#options.keptPlace(path) }
  }

  #fits(peer: NodeId, { entry }: FetchItem): boolean {
    return Buffer.byteLength(join(this.of(peer), entry.path)) <= longestPath
  }

  /** With the folder's own marker, without which Unison does nothing. */
  async #make(peer: NodeId): Promise<void> {
    const staging = this.of(peer)
    await mkdir(join(staging, markerDirectory), { recursive: true, mode: 0o700 })
    await copyFile(join(this.#options.root, markerFile), join(staging, markerFile))
  }

  async #prepare(peer: NodeId, { entry, local }: FetchItem): Promise<boolean> {
    const staging = this.of(peer)
    const file = join(staging, entry.path)
    await makeParents(staging, entry.path)
    await rm(file, { recursive: true, force: true })
    const isDelta = entry.kind === 'file' && isAlive(local) && local.kind === 'file' && local.size >= leastForDelta
    if (!isDelta) return true
    try {
      // A second name: Unison reads it to send only what differs, and renames over this name of it.
      await link(join(this.#options.root, entry.path), file)
      return true
    } catch (error) {
      // No hard links here, or it has just gone: Unison has to work in the folder itself.
      if (errnoOf(error) === undefined) throw error
      return false
    }
  }
}

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
