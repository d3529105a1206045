import type { ArrivedItem, FetchedItem, FetchItem, FetchOutcome, Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import { ancestors, parentOf } from '@spansync/common/core/causal/paths'
import type { DiskState, RelativePath } from '@spansync/common/core/causal/types'
import { Arrivals } from './arrivals.ts'
import { FetchCopies, splitTwins } from './fetch-copies.ts'
import { FetchGuard } from './fetch-guard.ts'
import type { FetcherOptions } from './fetch-options.ts'
import { FetchRooms } from './fetch-rooms.ts'
import { FetchRuns, type FetchWork, type Ran, type Sessions, worse } from './fetch-runs.ts'
import { expectedAt } from './live-rows.ts'
import { inParcel } from './parcel/parcels.ts'
import type { SessionOutcome } from './sessions.ts'
import type { StagingRoots } from './staging/staging-roots.ts'

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
export interface Ways extends Sessions {
  /** Brings small new files without Unison; answers what is on the disk now. */
  readonly parcel: (items: readonly FetchItem[]) => Promise<ReadonlyMap<RelativePath, DiskState>>
}

/** Brings what a peer has to this disk: checks that the disk is still as decided, copies what is here already under another name, lets
 *  Unison bring the rest, and looks at what came. Only the disk's word counts in the end. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #guard: FetchGuard
  readonly #arrivals: Arrivals
  readonly #rooms: FetchRooms
  readonly #copies: FetchCopies
  readonly #runs: FetchRuns

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#guard = new FetchGuard(options)
    this.#arrivals = new Arrivals(options)
    this.#rooms = new FetchRooms(options)
    this.#copies = new FetchCopies(options, this.#rooms)
    this.#runs = new FetchRuns(options, { guard: this.#guard, arrivals: this.#arrivals, rooms: this.#rooms })
  }

  get staging(): StagingRoots {
    return this.#runs.staging
  }

  /** A session is copying a directory whole right now: what appears in it is not the user's. */
  isCovered(path: RelativePath): boolean {
    return this.#runs.isCovered(path)
  }

  async fetch({ peer, items, untouched, partial }: FetchWork, { session, isQuick, parcel }: Ways): Promise<Fetched> {
    const { fitting: ready, lack } = await this.#guard.fit(await this.#guard.check(items, untouched))
    const { cleared, heldOpen } = await this.#rooms.clear(ready.filter(({ clear }) => clear))
    const going = ready.filter((item) => !item.clear || cleared.includes(item))
    const copied = await this.#copies.make(going)
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
    const ended = await this.#runs.run(work, sessions)
    const { first: late, twins: lateTwins } = splitTwins(await this.#adopt(coming))
    const { outcome, covers, landed, inFolder } =
      late.length === 0 ? ended : await this.#runLate({ ...work, items: late }, ended, sessions)
    if (/no space/.test(outcome.reason)) await this.#runs.clean(peer, [...rest, ...late])
    const checked = new Map([...brought, ...landed])
    if (twins.length + lateTwins.length > 0) await this.#copies.make([...twins, ...lateTwins], checked)
    await this.#rooms.restore(cleared)
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
    await this.#rooms.makeRoom(
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
      await this.#rooms.makeParents([path])
      const toExpect = expectedAt(this.#options.index, item)
      const [result] = await disk.perform(root, [
        { op: 'adopt', file, to: path, toExpect, mode, mtimeUs, hash, keepIn: keptPlace(path) },
      ])
      if (result?.code !== 'done') left.push(item)
      await ahead.drop(hash)
    }
    return left
  }

  async #runLate(work: FetchWork, before: Ran, sessions: Sessions): Promise<Ran> {
    const { outcome, covers, landed, inFolder } = await this.#runs.run(work, sessions)
    return {
      inFolder: [...before.inFolder, ...inFolder],
      outcome: worse(before.outcome, outcome),
      covers: [...before.covers, ...covers],
      landed: new Map([...before.landed, ...landed]),
    }
  }
}

function verdict(all: boolean, outcome: SessionOutcome): { outcome: FetchOutcome; reason: string } {
  if (all) return { outcome: 'done', reason: '' }
  if (outcome.result === 'refused') return { outcome: 'refused', reason: outcome.reason }
  return { outcome: 'failed', reason: outcome.reason }
}
