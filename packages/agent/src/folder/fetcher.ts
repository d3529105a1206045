import type { ArrivedItem, FetchedItem, FetchItem, FetchOutcome, Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import { ancestors, parentOf } from '@spansync/common/core/causal/paths'
import type { DiskState, NodeId, RelativePath, Row, StatSignature } from '@spansync/common/core/causal/types'
import type { Task } from '../disk/tasks.ts'
import { cleanLeftovers } from '../unison/leftovers.ts'
import { Arrivals } from './arrivals.ts'
import { type Covers, coversOf } from './covers.ts'
import { FetchGuard } from './fetch-guard.ts'
import type { FetcherOptions } from './fetch-options.ts'
import { isAlive, isLiveDirectory } from './live-rows.ts'
import { inParcel } from './parcel/parcels.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'
import { type StagedItems, StagingRoots } from './staging/staging-roots.ts'

export interface FetchWork {
  readonly peer: NodeId
  readonly items: readonly FetchItem[]
  /** Directories as in Surroundings. */
  readonly untouched: ReadonlySet<RelativePath>
  readonly partial: ReadonlySet<RelativePath>
}

export interface Fetched {
  readonly outcome: FetchOutcome
  readonly reason: string
  readonly items: readonly FetchedItem[]
  readonly extras: readonly ArrivedItem[]
  /** Paths that came through Unison itself. */
  readonly byUnison: readonly RelativePath[]
  /** Paths that came over the link, in whatever way. */
  readonly transferred: readonly RelativePath[]
}

/** How what is missing can come from the peer. */
export interface Ways {
  readonly session: (request: SessionRequest) => Promise<SessionOutcome>
  /** A session that runs already would bring this, in the folder. */
  readonly isQuick: (request: SessionRequest) => boolean
  /** Brings small new files without Unison; answers what is on the disk now. */
  readonly parcel: (items: readonly FetchItem[]) => Promise<ReadonlyMap<RelativePath, DiskState>>
}

interface Cleared {
  readonly cleared: readonly FetchItem[]
  /** By what, as far as the index knows. */
  readonly heldOpen: ReadonlyMap<FetchItem, FetchedItem['heldOpenBy']>
}

interface Ran {
  readonly outcome: SessionOutcome
  readonly covers: readonly RelativePath[]
  /** What came to a root of its own, and has been put in place. */
  readonly landed: ReadonlyMap<RelativePath, DiskState>
  /** What Unison was to put in place itself. */
  readonly inFolder: readonly RelativePath[]
}

/** Brings what a peer has to this disk: checks that the disk is still as decided, copies what is here already under another name, lets
 *  Unison bring the rest, and looks at what came. Only the disk's word counts in the end. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #guard: FetchGuard
  readonly #arrivals: Arrivals
  readonly staging: StagingRoots
  /** Directories that a session is copying whole right now: what appears in them is not the user's. */
  readonly covered = new Set<RelativePath>()

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#guard = new FetchGuard(options)
    this.#arrivals = new Arrivals(options)
    const { root, disk, keptPlace, ahead } = options
    this.staging = new StagingRoots({
      ...{ root, disk, keptPlace },
      expectedAt: (item) => this.#expectedAt(item),
      spare: (found, file) => ahead.spare(found, file),
    })
  }

  isCovered(path: RelativePath): boolean {
    if (this.covered.size === 0) return false
    return this.covered.has(path) || ancestors(path).some((parent) => this.covered.has(parent))
  }

  async fetch({ peer, items, untouched, partial }: FetchWork, { session, isQuick, parcel }: Ways): Promise<Fetched> {
    const { fitting: ready, lack } = await this.#guard.fit(await this.#guard.check(items, untouched))
    const { cleared, heldOpen } = await this.#clear(ready.filter(({ clear }) => clear))
    const going = ready.filter((item) => !item.clear || cleared.includes(item))
    const copied = await this.#copyHere(going)
    const missing = going.filter((item) => !copied.has(item))
    const coming = missing.filter(({ entry }) => entry.kind === 'file' && this.#options.ahead.has(entry.hash))
    const { first, twins } = splitTwins(missing.filter((item) => !coming.includes(item)))
    const brought = await this.#unpack(first, going, parcel)
    const rest = first.filter(({ entry }) => !brought.has(entry.path))
    const ran = new Set(going)
    const leftOut = items.filter((item) => !ran.has(item)).flatMap(({ entry }) => ancestors(entry.path))
    const elsewhere = new Set([...coming.map(({ entry }) => entry.path), ...brought.keys()].map(parentOf))
    const around = [...elsewhere].flatMap((directory) => [directory, ...ancestors(directory)])
    const work = { peer, items: rest, untouched, partial: new Set([...partial, ...leftOut, ...around]) }
    const sessions = { session, isQuick }
    const ended = await this.#run(work, sessions)
    const { first: late, twins: lateTwins } = splitTwins(await this.#adopt(coming))
    const { outcome, covers, landed, inFolder } =
      late.length === 0 ? ended : await this.#runLate({ ...work, items: late }, ended, sessions)
    if (/no space/.test(outcome.reason)) await this.#clean(peer, [...rest, ...late])
    const checked = new Map([...brought, ...landed])
    if (twins.length + lateTwins.length > 0) await this.#copyHere([...twins, ...lateTwins], checked)
    await this.#restore(cleared)
    const seen = await this.#arrivals.verify(items, new Map([...brought, ...this.#arrivals.stillThere(landed)]))
    const extras = await this.#arrivals.extras(covers, items)
    const fetched = items.map(({ entry }, at) => {
      const one = seen.get(entry.path) as Seen
      const isTransferred = this.#arrivals.isAsSent(entry, one.disk) || this.#arrivals.isTransferred(entry.path)
      const item = items[at] as FetchItem
      return { ...one, entry, ran: ran.has(item), heldOpenBy: heldOpen.get(item), isTransferred }
    })
    const arrived = fetched.filter(({ entry, disk }) => matches(entry, disk))
    const sent = new Set(inFolder)
    const byUnison = arrived.filter(({ path, disk }) => disk?.kind === 'file' && sent.has(path)).map(({ path }) => path)
    const transferred = [...byUnison, ...checked.keys()]
    const all = arrived.length === items.length
    const ending = verdict(all, lack ? { result: 'failed', reason: lack } : outcome)
    return { ...ending, items: fetched, extras, byUnison, transferred }
  }

  /** Many small new files come in one piece, into directories that are made before. What does not come is left to Unison. */
  async #unpack(
    items: readonly FetchItem[],
    going: readonly FetchItem[],
    parcel: Ways['parcel'],
  ): Promise<ReadonlyMap<RelativePath, DiskState>> {
    const suited = inParcel(items)
    if (suited.length === 0) return new Map()
    const directories = going.filter(({ entry }) => entry.kind === 'dir').map(({ entry }) => entry)
    await this.#makeRoom(
      suited.map(({ entry }) => entry.path),
      directories,
    )
    return await parcel(suited)
  }

  /** Waits for what comes ahead of its announcement, and puts it in place. Answers what has to be fetched after all. */
  async #adopt(coming: readonly FetchItem[]): Promise<FetchItem[]> {
    const { ahead, disk, root, keptPlace } = this.#options
    const left: FetchItem[] = []
    for (const item of coming) {
      const { path, mode, mtimeUs, hash } = item.entry
      const file = await ahead.ready(hash)
      if (file === undefined) {
        left.push(item)
        continue
      }
      await this.#makeParents([path])
      const toExpect = this.#expectedAt(item)
      const [result] = await disk.perform(root, [
        { op: 'adopt', file, to: path, toExpect, mode, mtimeUs, hash, keepIn: keptPlace(path) },
      ])
      if (result?.code !== 'done') left.push(item)
      await ahead.drop(hash)
    }
    return left
  }

  #expectedAt({ entry, transit }: FetchItem): StatSignature | null {
    return transit ?? expected(this.#options.index.get(entry.path))
  }

  async #runLate(work: FetchWork, before: Ran, sessions: Sessions): Promise<Ran> {
    const { outcome, covers, landed, inFolder } = await this.#run(work, sessions)
    return {
      inFolder: [...before.inFolder, ...inFolder],
      outcome: worse(before.outcome, outcome),
      covers: [...before.covers, ...covers],
      landed: new Map([...before.landed, ...landed]),
    }
  }

  /** What an interrupted transfer left takes the room that others need. */
  async #clean(peer: NodeId, items: readonly FetchItem[]): Promise<void> {
    const directories = [...new Set(items.map(({ entry }) => parentOf(entry.path)))]
    for (const root of [this.#options.root, this.staging.of(peer)]) {
      await cleanLeftovers(root, { directories, olderThanMs: 0, now: this.#options.clock.wallNow() })
    }
  }

  /** An empty directory where a file shall be. One that is not empty stays, and the path waits; what only a session or an editor has left
   *  in it is nothing to wait for. */
  async #clear(items: readonly FetchItem[]): Promise<Cleared> {
    if (items.length === 0) return { cleared: [], heldOpen: new Map() }
    const deepestFirst = [...items].sort((left, right) => (left.entry.path < right.entry.path ? 1 : -1))
    const { disk, root, keptPlace, disposable } = this.#options
    const tasks = deepestFirst.map(({ entry: { path } }): Task => ({ op: 'rmdir', path, keepIn: keptPlace(path) }))
    const results = await disk.perform(root, tasks, { ignore: disposable })
    return {
      cleared: deepestFirst.filter((_, at) => results[at]?.code === 'done'),
      heldOpen: new Map(
        deepestFirst
          .filter((_, at) => results[at]?.code === 'not_empty')
          .map((item) => [item, this.#options.index.below(item.entry.path, 1)[0] ?? 'unknown']),
      ),
    }
  }

  async #restore(items: readonly FetchItem[]): Promise<void> {
    if (items.length === 0) return
    const seen = await this.#options.observer.look(items.map(({ entry }) => entry.path))
    const gone = new Set(seen.filter(({ disk }) => disk === undefined).map(({ path }) => path))
    const lost = items.filter(({ entry }) => gone.has(entry.path))
    const tasks: Task[] = lost.map(({ entry, local }) => ({
      op: 'mkdir',
      path: entry.path,
      mode: local?.mode ?? 0o755,
    }))
    await this.#options.disk.perform(this.#options.root, tasks)
  }

  /** Content that this replica holds under another name needs no network. */
  async #copyHere(
    items: readonly FetchItem[],
    brought: ReadonlyMap<RelativePath, DiskState> = new Map(),
  ): Promise<Set<FetchItem>> {
    // A link that leads to `x` has the hash of a file that says `x`.
    const files = [...brought].filter(([, { kind }]) => kind === 'file')
    const justCame = new Map(files.map(([path, { hash, stat }]): [string, CopySource] => [hash, { path, stat }]))
    const planned = items.flatMap((item) => {
      const isContent = item.entry.kind === 'file' && item.entry.size > 0
      const source = isContent ? (justCame.get(item.entry.hash) ?? this.#sourceOf(item)) : undefined
      return source ? [{ item, source }] : []
    })
    if (planned.length === 0) return new Set()
    await this.#makeParents(planned.map(({ item }) => item.entry.path))
    const tasks = planned.map(({ item, source }): Task => {
      const { path, mode, mtimeUs, hash } = item.entry
      const toExpect = this.#expectedAt(item)
      return {
        op: 'copy',
        from: source.path,
        fromExpect: source.stat,
        to: path,
        toExpect,
        mode,
        mtimeUs,
        hash,
        keepIn: this.#options.keptPlace(path),
      }
    })
    const results = await this.#options.disk.perform(this.#options.root, tasks)
    return new Set(planned.filter((_, at) => results[at]?.code === 'done').map(({ item }) => item))
  }

  #sourceOf({ entry }: FetchItem): CopySource | undefined {
    const rows = this.#options.index.withHash(entry.hash, 2)
    const others = rows.filter(({ kind, path }) => kind === 'file' && path !== entry.path)
    return others.flatMap(({ path, stat }) => (stat === undefined ? [] : [{ path, stat }]))[0]
  }

  /** The directories, which get their own permissions when all that belongs into them is there, and whatever is above them and the
   *  paths. */
  async #makeRoom(paths: readonly RelativePath[], directories: Covers['directories']): Promise<void> {
    await this.#makeParents([...paths, ...directories.map(({ path }) => path)])
    await this.#makeDirectories(directories.map(({ path, mode }) => ({ path, mode: mode | 0o700 })))
  }

  async #makeParents(paths: readonly RelativePath[]): Promise<void> {
    const direct = [...new Set(paths.map(parentOf))].filter((parent) => parent !== '')
    const parents = new Set(direct.flatMap((parent) => [parent, ...ancestors(parent)]))
    const missing = [...parents].filter((parent) => !isAlive(this.#options.index.get(parent)))
    await this.#makeDirectories(missing.map((path) => ({ path })))
  }

  async #makeDirectories(wanted: readonly NewDirectory[]): Promise<void> {
    if (wanted.length === 0) return
    const outermostFirst = [...wanted].sort((left, right) => left.path.length - right.path.length)
    const tasks: Task[] = outermostFirst.map(({ path, mode }) => ({ op: 'mkdir', path, mode }))
    await this.#options.disk.perform(this.#options.root, tasks)
  }

  async #run({ peer, items, untouched, partial }: FetchWork, { session, isQuick }: Sessions): Promise<Ran> {
    const bare = await this.#guard.bareOf(untouched)
    const empty = new Set([...bare].filter((path) => isLiveDirectory(this.#options.index.get(path))))
    const { covers, directories, paths } = coversOf(items, { untouched: bare, empty, partial })
    await this.#makeRoom([...covers, ...paths], directories)
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
    for (const cover of covers) this.covered.add(cover)
    try {
      const outcome = await session(this.#request(items, { covers, paths }))
      await this.#arrivals.restoreModes(covers)
      return outcome
    } finally {
      for (const cover of covers) this.covered.delete(cover)
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
        this.#guard.isUndisturbed(
          items.filter(({ entry: { path } }) => singles.has(path) && (some === undefined || some.includes(path))),
        ),
      recheck: () => this.#guard.stillAsDecided({ covers, paths }, items),
      paths: [...covers, ...paths],
      covers: new Set(covers),
      files: items.length,
      bytes: items.reduce((sum, { entry }) => sum + entry.size, 0),
      attempts: Math.max(...items.map((item) => item.attempts)),
      onlyUpdates: covers.length === 0 && items.every(isUpdate),
      replacesKind: items.some(({ entry, local }) => isAlive(local) && local.kind !== entry.kind),
    }
  }
}

type Session = Ways['session']
type Sessions = Pick<Ways, 'session' | 'isQuick'>

const pathOf = ({ entry }: FetchItem): RelativePath => entry.path

const mostNewStaged = 16
/** Where that does not help, as on a disk that is put together in ways of its own, Unison has to work in the folder. */
const mostStagedTries = 2

const done: SessionOutcome = { result: 'done', reason: '' }

function worse(one: SessionOutcome, other: SessionOutcome): SessionOutcome {
  return one.result === 'done' ? other : one
}

interface NewDirectory {
  readonly path: RelativePath
  readonly mode?: number
}

interface CopySource {
  readonly path: RelativePath
  readonly stat: StatSignature
}

/** A file that this replica has, in an older version. */
function isUpdate({ entry, local, clear }: FetchItem): boolean {
  return entry.kind === 'file' && !clear && isAlive(local) && local.kind === 'file'
}

function verdict(all: boolean, outcome: SessionOutcome): { outcome: FetchOutcome; reason: string } {
  if (all) return { outcome: 'done', reason: '' }
  if (outcome.result === 'refused') return { outcome: 'refused', reason: outcome.reason }
  return { outcome: 'failed', reason: outcome.reason }
}

function expected(row: Row | undefined): StatSignature | null {
  return isAlive(row) && row.stat ? row.stat : null
}

/** Of files with the same content one comes over the network, and the others are copies of it. */
function splitTwins(items: readonly FetchItem[]): { first: FetchItem[]; twins: FetchItem[] } {
  const seen = new Set<string>()
  const first: FetchItem[] = []
  const twins: FetchItem[] = []
  for (const item of items) {
    const { kind, hash, size } = item.entry
    const isTwin = kind === 'file' && size > 0 && seen.has(hash)
    if (kind === 'file') seen.add(hash)
    if (isTwin) twins.push(item)
    else first.push(item)
  }
  return { first, twins }
}
