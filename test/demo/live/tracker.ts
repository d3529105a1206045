import type { Sighting } from './replica-watch.ts'
import { equal, type Seen } from './seen.ts'

/** One path that somebody changed at one replica, and when the others had it. */
export interface Change {
  readonly path: string
  readonly origin: string
  readonly before: Seen | undefined
  readonly now: Seen | undefined
  readonly at: number
  readonly arrivals: Map<string, number>
  /** Replicas that were like this already. */
  readonly had: ReadonlySet<string>
  /** Another state came to the origin before this one was everywhere: it may never be. */
  superseded: boolean
}

/** Per path: more versions than can be on their way at once. */
const mostRemembered = 20

/** Makes changes and their arrivals out of what is seen at the replicas. Pure: the time comes with the sightings. */
export class ChangeTracker {
  readonly #nodes: readonly string[]
  readonly #current: ReadonlyMap<string, Map<string, Seen>>
  readonly #startedAt: number
  /** By path, the latest last; the oldest are forgotten. */
  readonly #changes = new Map<string, Change[]>()

  /** `current`: what is there at the start. */
  constructor(current: ReadonlyMap<string, ReadonlyMap<string, Seen>>, startedAt: number) {
    this.#nodes = [...current.keys()]
    this.#current = new Map([...current].map(([node, seen]) => [node, new Map(seen)]))
    this.#startedAt = startedAt
  }

  /** Answers a change that is new; undefined when it is an arrival, or nothing to speak of. */
  observe(node: string, { path, now, at }: Sighting): Change | undefined {
    const before = this.#replace(node, path, now)
    if (equal(before, now)) return undefined
    const changes = this.#changes.get(path) ?? []
    const arrived = this.#arriving(changes, node, now)
    const own = changes.filter((change) => change.origin === node && change !== arrived && !this.isComplete(change))
    // What was superseded before anybody else had it never happened.
    const unsent = own.find(({ superseded, arrivals }) => !superseded && arrivals.size === 0)
    for (const change of own) change.superseded = true
    if (arrived !== undefined) {
      arrived.arrivals.set(node, at)
      return undefined
    }
    const change = this.#unseenOrigin(changes, node, { path, now, at }) ?? {
      ...{ path, origin: node, now, at, superseded: false, arrivals: new Map<string, number>() },
      before: unsent === undefined ? before : unsent.before,
      had: new Set(this.#others(node).filter((other) => equal(this.#current.get(other)?.get(path), now))),
    }
    this.#changes.set(path, [...changes, change].slice(-mostRemembered))
    return change
  }

  isComplete(change: Change): boolean {
    return this.#nodes.every((node) => this.#knows(change, node))
  }

  missing(change: Change): string[] {
    return this.#nodes.filter((node) => !this.#knows(change, node))
  }

  /** A version that another one has superseded can still come, but not to who has had a later one. */
  #arriving(changes: readonly Change[], node: string, now: Seen | undefined): Change | undefined {
    const lastKnown = changes.findLastIndex((change) => this.#knows(change, node))
    return changes.findLast(
      (change, index) =>
        !this.#knows(change, node) && equal(change.now, now) && (index > lastKnown || !change.superseded),
    )
  }

  /** What was different between the replicas from the start, and is now being made equal. */
  #unseenOrigin(changes: readonly Change[], node: string, { path, now, at }: Sighting): Change | undefined {
    if (changes.length > 0) return undefined
    const holders = this.#others(node).filter((other) => equal(this.#current.get(other)?.get(path), now))
    const [origin] = holders
    if (origin === undefined) return undefined
    const [arrivals, had] = [new Map([[node, at]]), new Set(holders)]
    return { path, origin, before: undefined, now, at: this.#startedAt, arrivals, had, superseded: false }
  }

  #replace(node: string, path: string, now: Seen | undefined): Seen | undefined {
    const current = this.#current.get(node)
    const before = current?.get(path)
    if (now === undefined) current?.delete(path)
    else current?.set(path, now)
    return before
  }

  #others(node: string): string[] {
    return this.#nodes.filter((other) => other !== node)
  }

  #knows(change: Change, node: string): boolean {
    return node === change.origin || change.arrivals.has(node) || change.had.has(node)
  }
}
