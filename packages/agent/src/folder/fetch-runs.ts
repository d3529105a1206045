import type { FetchItem } from '@spansync/common/core/agent/events'
import { ancestors, parentOf } from '@spansync/common/core/causal/paths'
import type { DiskState, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import { cleanLeftovers } from '../unison/leftovers.ts'
import type { Arrivals } from './arrivals.ts'
import { type Covers, coversOf } from './covers.ts'
import type { FetchGuard } from './fetch-guard.ts'
import type { FetcherOptions } from './fetch-options.ts'
import type { FetchRooms } from './fetch-rooms.ts'
import { expectedAt, isAlive, isLiveDirectory } from './live-rows.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'
import { type StagedItems, StagingRoots } from './staging/staging-roots.ts'

export interface FetchWork {
  readonly peer: NodeId
  readonly items: readonly FetchItem[]
  /** Directories as in Surroundings. */
  readonly untouched: ReadonlySet<RelativePath>
  readonly partial: ReadonlySet<RelativePath>
}

export interface Sessions {
  readonly session: (request: SessionRequest) => Promise<SessionOutcome>
  /** A session that runs already would bring this, in the folder. */
  readonly isQuick: (request: SessionRequest) => boolean
}

export interface Ran {
  readonly outcome: SessionOutcome
  readonly covers: readonly RelativePath[]
  /** What came to a root of its own, and has been put in place. */
  readonly landed: ReadonlyMap<RelativePath, DiskState>
  /** What Unison was to put in place itself. */
  readonly inFolder: readonly RelativePath[]
}

interface Parts {
  readonly guard: FetchGuard
  readonly arrivals: Arrivals
  readonly rooms: FetchRooms
}

/** What Unison is asked to bring, and where to: into the folder, or into a root of its own. */
export class FetchRuns {
  readonly staging: StagingRoots
  readonly #options: FetcherOptions
  readonly #parts: Parts
  /** Directories that a session is copying whole right now: what appears in them is not the user's. */
  readonly #covered = new Set<RelativePath>()

  constructor(options: FetcherOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    const { root, disk, keptPlace, ahead, index } = options
    this.staging = new StagingRoots({
      ...{ root, disk, keptPlace },
      expectedAt: (item) => expectedAt(index, item),
      spare: (found, file) => ahead.spare(found, file),
    })
  }

  isCovered(path: RelativePath): boolean {
    if (this.#covered.size === 0) return false
    return this.#covered.has(path) || ancestors(path).some((parent) => this.#covered.has(parent))
  }

  async run({ peer, items, untouched, partial }: FetchWork, { session, isQuick }: Sessions): Promise<Ran> {
    const bare = await this.#parts.guard.bareOf(untouched)
    const empty = new Set([...bare].filter((path) => isLiveDirectory(this.#options.index.get(path))))
    const { covers, directories, paths } = coversOf(items, { untouched: bare, empty, partial })
    await this.#parts.rooms.makeRoom([...covers, ...paths], directories)
    const single = new Set(paths)
    const meant = items.filter(({ entry, clear }) => single.has(entry.path) && !clear)
    const isNew = ({ local }: FetchItem): boolean => !isAlive(local)
    // Many new files are in nobody's way, and each would cost more than Unison takes for it.
    const areMany = meant.filter(isNew).length > mostNewStaged
    const suited = (areMany ? meant.filter((item) => !isNew(item)) : meant).filter(
      ({ attempts }) => attempts < mostStagedTries,
    )
    const isWanted = suited.length > 0 && !isQuick(this.#request(suited, { covers: [], paths: suited.map(pathOf) }))
    const staged: StagedItems = isWanted ? await this.staging.prepare(peer, suited) : new Map()
    const stagedPaths = new Set([...staged.keys()].map(pathOf))
    const others = { covers, paths: paths.filter((path) => !stagedPaths.has(path)) }
    const direct = items.filter((item) => !staged.has(item))
    const first = await this.#runInFolder(direct, others, session)
    const { outcome, landed } = await this.#runStaged(peer, staged, session)
    const inFolder = direct.map(pathOf)
    return { outcome: worse(first, outcome), covers, landed, inFolder }
  }

  /** Unison puts it in place. */
  async #runInFolder(
    items: readonly FetchItem[],
    { covers, paths }: Pick<Covers, 'covers' | 'paths'>,
    session: Session,
  ): Promise<SessionOutcome> {
    if (covers.length + paths.length === 0) return done
    for (const cover of covers) this.#covered.add(cover)
    try {
      const outcome = await session(this.#request(items, { covers, paths }))
      await this.#parts.arrivals.restoreModes(covers)
      return outcome
    } finally {
      for (const cover of covers) this.#covered.delete(cover)
    }
  }

  /** Unison brings it to a root of its own. */
  async #runStaged(peer: NodeId, staged: StagedItems, session: Session): Promise<Pick<Ran, 'outcome' | 'landed'>> {
    if (staged.size === 0) return { outcome: done, landed: new Map() }
    const items = [...staged.keys()]
    const paths = items.map(({ entry }) => entry.path)
    const outcome = await session({
      ...this.#request(items, { covers: [], paths }),
      staging: this.staging.of(peer),
      recheck: async () => this.staging.undisturbed(staged),
      isUndisturbed: async (some = paths) => this.staging.undisturbed(staged, some).length === some.length,
    })
    const { landed, problem } = await this.staging.land(peer, staged)
    return { outcome: problem === undefined ? outcome : { result: 'failed', reason: problem }, landed }
  }

  #request(items: readonly FetchItem[], { covers, paths }: Pick<Covers, 'covers' | 'paths'>): SessionRequest {
    // Covers are never run with leave to replace anything, so what is in them need not be looked at.
    const singles = new Set(paths)
    return {
      isUndisturbed: (some) =>
        this.#parts.guard.isUndisturbed(
          items.filter(({ entry: { path } }) => singles.has(path) && (some === undefined || some.includes(path))),
        ),
      recheck: () => this.#parts.guard.stillAsDecided({ covers, paths }, items),
      paths: [...covers, ...paths],
      covers: new Set(covers),
      files: items.length,
      bytes: items.reduce((sum, { entry }) => sum + entry.size, 0),
      attempts: Math.max(...items.map((item) => item.attempts)),
      onlyUpdates: covers.length === 0 && items.every(isUpdate),
      replacesKind: items.some(({ entry, local }) => isAlive(local) && local.kind !== entry.kind),
    }
  }

  /** What an interrupted transfer left takes the room that others need. */
  async clean(peer: NodeId, items: readonly FetchItem[]): Promise<void> {
    const directories = [...new Set(items.map(({ entry }) => parentOf(entry.path)))]
    for (const root of [this.#options.root, this.staging.of(peer)]) {
      await cleanLeftovers(root, { directories, olderThanMs: 0, now: this.#options.clock.wallNow() })
    }
  }
}

type Session = Sessions['session']

const pathOf = ({ entry }: FetchItem): RelativePath => entry.path

const mostNewStaged = 16
/** Where that does not help, as on a disk that is put together in ways of its own, Unison has to work in the folder. */
const mostStagedTries = 2

const done: SessionOutcome = { result: 'done', reason: '' }

export function worse(one: SessionOutcome, other: SessionOutcome): SessionOutcome {
  return one.result === 'done' ? other : one
}

/** A file that this replica has, in an older version. */
function isUpdate({ entry, local, clear }: FetchItem): boolean {
  return entry.kind === 'file' && !clear && isAlive(local) && local.kind === 'file'
}
