import { ThroughputMeter } from './measures.ts'

export interface Throughput {
  readonly bytesPerSecond: number
  /** True while it comes from the trains that are sent when the link comes up, and not from transfers. */
  readonly probed: boolean
}

interface PathSpeed {
  readonly up: ThroughputMeter
  readonly down: ThroughputMeter
  train: number | undefined
  /** Trains have been sent here, whatever came of them. */
  isTried: boolean
}

/** So many networks that a laptop moves between are remembered. */
const mostPaths = 16

/** What is known of the throughput to one peer. Kept apart by path, the addresses of both ends: at home the same two machines have
 *  another link than over a modem. */
export class LinkSpeed {
  readonly #paths = new Map<string, PathSpeed>()
  #current = unknownPath()

  usePath(path: string): void {
    const known = this.#paths.get(path) ?? unknownPath()
    this.#paths.delete(path)
    this.#paths.set(path, known)
    this.#current = known
    const [oldest] = this.#paths.keys()
    if (this.#paths.size > mostPaths && oldest !== undefined) this.#paths.delete(oldest)
  }

  /** Nothing is known of this path, and it has not been probed. */
  get isNew(): boolean {
    return !this.#current.isTried && this.throughput === undefined
  }

  moved(direction: 'up' | 'down', bytes: number, now: number): void {
    this.#current[direction].add(bytes, now)
  }

  waited(ms: number): void {
    this.#current.up.waited(ms)
  }

  tried(): void {
    this.#current.isTried = true
  }

  probed(bytesPerSecond: number | undefined): void {
    this.#current.train = bytesPerSecond
  }

  /** Of the better direction; undefined while too little has flowed to tell. */
  get throughput(): Throughput | undefined {
    const { up, down, train } = this.#current
    // A flow that nothing but the link held up says more than the trains; another one only that the link is at least as fast.
    const flow = largest(up.limit ?? up.bytesPerSecond, down.bytesPerSecond)
    const isKnown = flow !== undefined && (up.limit !== undefined || train === undefined || flow >= train)
    if (isKnown) return { bytesPerSecond: flow, probed: false }
    return train === undefined ? undefined : { bytesPerSecond: train, probed: true }
  }
}

function unknownPath(): PathSpeed {
  return { up: new ThroughputMeter({ sends: true }), down: new ThroughputMeter(), train: undefined, isTried: false }
}

function largest(...values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
