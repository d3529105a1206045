import type { DemoNetwork } from '../network.ts'
import type { Terminal } from '../terminal.ts'
import { type Item, itemsOf } from './items.ts'
import { renderItem } from './lines.ts'
import { ReplicaWatch } from './replica-watch.ts'
import type { Seen } from './seen.ts'
import { type Change, ChangeTracker } from './tracker.ts'

/** Changes at one replica that follow each other faster belong together: files of a directory, both names of a rename. */
const quietMs = 100
const mostMs = 2000
/** After this a line says who is waited for. */
const patienceMs = 5000
/** After this nobody waits any more; the next line about that file will say how it went. */
const forgetMs = 600_000
const tickMs = 50

interface Burst {
  readonly origin: string
  readonly firstAt: number
  lastAt: number
  readonly changes: Change[]
}

interface Waiting {
  readonly item: Item
  readonly since: number
  told: boolean
}

/** Prints a line for each change when all replicas have it. What the agents do as soon as they run counts from what was there before:
 *  to be made before they start. */
export class ChangeView implements Disposable {
  readonly #terminal: Terminal
  readonly #watches: ReplicaWatch[] = []
  readonly #bursts = new Map<string, Burst>()
  #waiting: Waiting[] = []
  readonly #tracker: ChangeTracker
  #timer: NodeJS.Timeout | undefined

  constructor({ agents }: DemoNetwork, terminal: Terminal) {
    this.#terminal = terminal
    const startedAt = performance.now()
    const current = new Map<string, ReadonlyMap<string, Seen>>()
    for (const { name, documents } of agents) {
      const watch = new ReplicaWatch(documents, (sighting) => {
        const change = this.#tracker.observe(name, sighting)
        if (change !== undefined) this.#gather(change)
      })
      this.#watches.push(watch)
      current.set(name, watch.start())
    }
    this.#tracker = new ChangeTracker(current, startedAt)
  }

  show(): void {
    this.#timer = setInterval(() => this.#tick(performance.now()), tickMs)
  }

  #gather(change: Change): void {
    const { origin } = change
    const now = performance.now()
    const burst = this.#bursts.get(origin)
    if (burst === undefined) this.#bursts.set(origin, { origin, firstAt: now, lastAt: now, changes: [change] })
    else {
      burst.changes.push(change)
      burst.lastAt = now
    }
  }

  #tick(now: number): void {
    for (const burst of this.#bursts.values()) {
      if (now - burst.lastAt < quietMs && now - burst.firstAt < mostMs) continue
      this.#bursts.delete(burst.origin)
      this.#waiting.push(...itemsOf(burst.changes).map((item) => ({ item, since: now, told: false })))
    }
    this.#waiting = this.#waiting.filter((waiting) => this.#isOpen(waiting, now))
  }

  /** False when there is no more to say about it. */
  #isOpen(waiting: Waiting, now: number): boolean {
    const { item } = waiting
    const changes = item.changes.filter(({ superseded }) => !superseded)
    const missing = this.#missing(changes)
    const unmoved = changes.every(({ arrivals }) => arrivals.size === 0)
    // Nobody lacked it from the start, such as a file that was deleted before it was sent.
    if (changes.length === 0 || (missing.length === 0 && unmoved)) return false
    if (missing.length > 0 && (waiting.told || now - waiting.since < patienceMs)) return now - waiting.since < forgetMs
    this.#terminal.print(renderItem({ ...item, changes }, missing, this.#terminal.paint))
    waiting.told = true
    return missing.length > 0
  }

  #missing(changes: readonly Change[]): string[] {
    return [...new Set(changes.flatMap((change) => this.#tracker.missing(change)))]
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const watch of this.#watches) watch[Symbol.dispose]()
  }
}
