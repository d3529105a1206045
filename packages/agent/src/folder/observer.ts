import type { Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import { ancestors } from '@spansync/common/core/causal/paths'
import type { RelativePath, Row } from '@spansync/common/core/causal/types'
import { compare } from '@spansync/common/core/causal/version-vector'
import type { FileRules } from '@spansync/common/core/policy/filter'
import type { FolderIndex, Observation } from '@spansync/common/ports'
import type { DiskWorker, ObservePath } from '../disk/disk-worker.ts'
import { isAlive } from './live-rows.ts'
import type { PathProblems } from './path-problems.ts'
import { type Asked, type Sighting, Sightings } from './sightings.ts'

export interface ObserverOptions {
  readonly root: string
  readonly disk: DiskWorker
  readonly index: FolderIndex
  readonly problems: PathProblems
  readonly isIgnored: (path: RelativePath) => boolean
  /** See Looking. */
  readonly files: FileRules
  /** The file system takes some different names for the same. */
  readonly folds: boolean
  /** A file that was still being written, or of which something newer has been seen: look again later. */
  readonly again: (path: RelativePath) => void
  /** Big files come by themselves, perhaps when the index is closed already: called only when somebody still wants to know. */
  readonly late: (see: () => readonly Seen[]) => void
}

const pageSize = 2000
/** One event of the loop is one step and one transaction: of this size it takes some tens of milliseconds. */
export const seenAtOnce = 5000

export type LookMode = 'trust_stat' | 'read'

export interface Looking {
  readonly mode: LookMode
  /** Somebody has noticed something: then it is only looked at as far as this replica takes part in it. */
  readonly isHinted: boolean
}

/** Looks at paths on the disk for the loop: with their parents, and, where a directory is gone, with everything that was in it. */
export class Observer {
  readonly #options: ObserverOptions
  readonly #sightings = new Sightings()
  /** Of the big files that are still being read. */
  readonly #lateOnes = this.#sightings.begin()
  #late = 0

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  /** Big files that are still being read. */
  get late(): number {
    return this.#late
  }

  /** For the caller's own use: everything that was seen. */
  async look(paths: Iterable<RelativePath>, mode: LookMode = 'trust_stat'): Promise<Seen[]> {
    const all: Seen[] = []
    for await (const page of this.#pages(paths, { mode })) for (const seen of page) all.push(seen)
    return all
  }

  /** To be told to the loop at once: at most `seenAtOnce` at a time, without what is out of date by then. Throws MarkerError when the root
   *  is not the folder any more. */
  async *pages(paths: Iterable<RelativePath>, { mode, isHinted }: Looking): AsyncGenerator<Seen[]> {
    using sighting = this.#sightings.begin()
    for await (const page of this.#pages(paths, { mode, sighting, files: isHinted ? this.#options.files : [] })) {
      yield page.filter((seen) => this.#isCurrent(seen, sighting.take(seen.path)))
    }
  }

  async *#pages(hinted: Iterable<RelativePath>, look: Look): AsyncGenerator<Seen[]> {
    const wanted = this.#withParents(hinted)
    const known = new Set(wanted)
    let page: Seen[] = []
    // Grows meanwhile by what was in vanished directories.
    for (let at = 0; at < wanted.length; ) {
      const paths = wanted.slice(at, at + pageSize)
      at += paths.length
      const seen = await this.#lookPage(paths, look)
      for (const path of this.#belowVanished(seen, known)) wanted.push(path)
      for (const one of seen) {
        if (page.push(one) < seenAtOnce) continue
        yield page
        page = []
      }
    }
    if (page.length > 0) yield page
  }

  #withParents(paths: Iterable<RelativePath>): RelativePath[] {
    const wanted = new Set<RelativePath>()
    for (const path of paths) {
      if (this.#options.isIgnored(path)) continue
      for (const parent of ancestors(path).reverse()) {
        if (wanted.has(parent)) continue
        const row = this.#options.index.get(parent)
        if (row === undefined || row.deleted || row.kind !== 'dir') wanted.add(parent)
      }
      wanted.add(path)
    }
    return [...wanted]
  }

  async #lookPage(paths: readonly RelativePath[], { mode, sighting, files = [] }: Look): Promise<Seen[]> {
    const { disk, root, index, folds } = this.#options
    const rows = index.getMany(paths)
    const requests: ObservePath[] = paths.map((path) => ({
      path,
      known: mode === 'read' ? undefined : known(rows.get(path)),
      shared: sharedAs(rows.get(path)),
    }))
    const number = this.#sightings.number()
    const asked = (path: RelativePath): Asked => ({ number, vector: rows.get(path)?.vector })
    if (sighting) for (const path of paths) sighting.untold.set(path, asked(path))
    const onLate = (observation: Observation): void => {
      this.#late--
      this.#options.late(() => this.#toldLate(observation, number))
    }
    const limits = { folds, files }
    const observations = await disk.observe(root, requests, mode === 'read' ? limits : { ...limits, onLate })
    this.#late += paths.length - observations.length
    if (observations.length < paths.length) {
      const known = new Set(observations.map(({ path }) => path))
      for (const path of paths) if (!known.has(path)) this.#lateOnes.untold.set(path, asked(path))
    }
    const seen = this.#toSeen(observations)
    this.#sightings.answered(
      seen.map(({ path }) => path),
      number,
    )
    return seen
  }

  #toldLate(observation: Observation, number: number): Seen[] {
    const asked = this.#lateOnes.take(observation.path, number)
    const seen = this.#toSeen([observation])
    this.#sightings.answered(
      seen.map(({ path }) => path),
      number,
    )
    return seen.filter((one) => this.#isCurrent(one, asked))
  }

  /** If not, it is looked at again. Of a version that the index has taken in since, the disk shows at least as much. */
  #isCurrent({ path, disk }: Seen, asked: Asked | undefined): boolean {
    const row = this.#options.index.get(path)
    const isSame = asked !== undefined && compare(asked.vector ?? {}, row?.vector ?? {}) === 'equal'
    const isCurrent = isSame || (asked !== undefined && matches(row, disk))
    if (!isCurrent) this.#options.again(path)
    return isCurrent
  }

  #toSeen(observations: readonly Observation[]): Seen[] {
    const seen: Seen[] = []
    const { index, problems, again } = this.#options
    for (const observation of observations) {
      const { path } = observation
      if ('problem' in observation) {
        if (observation.code === 'changing') again(path)
        else if (observation.code === 'unwanted') problems.clear(path)
        else problems.note(path, observation.code, observation.problem)
        continue
      }
      // A name that could not be read is not found under the name that was read instead.
      if (!path.includes('\ufffd')) problems.clear(path)
      seen.push({ path, local: index.get(path), disk: observation.disk })
    }
    return seen
  }

  *#belowVanished(seen: readonly Seen[], known: Set<RelativePath>): Generator<RelativePath> {
    const { index, isIgnored } = this.#options
    for (const { path, local, disk } of seen) {
      if (local?.kind !== 'dir' || local.deleted || disk?.kind === 'dir') continue
      for (const row of index.below(path, Number.MAX_SAFE_INTEGER)) {
        if (known.has(row.path) || isIgnored(row.path)) continue
        known.add(row.path)
        yield row.path
      }
    }
  }
}

interface Look {
  readonly mode: LookMode
  /** Absent when nobody is told. */
  readonly sighting?: Sighting
  readonly files?: FileRules
}

function sharedAs(row: Row | undefined): Row['kind'] | undefined {
  return isAlive(row) ? row.kind : undefined
}

function known(row: Row | undefined): ObserveKnown {
  if (!row?.stat || row.deleted) return undefined
  return { kind: row.kind, hash: row.hash, stat: row.stat }
}

type ObserveKnown = Exclude<ObservePath, string>['known']
