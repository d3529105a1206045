import { ThroughputMeter } from './measures.ts'

export interface Throughput {
  readonly bytesPerSecond: number
  /** True while it comes from the trains that are sent when the link comes up, and not from transfers. */
  readonly probed: boolean
}

/** What is known of the throughput over one path: between one address here and one there. */
export class PathSpeed {
  readonly #up = new ThroughputMeter({ sends: true })
  readonly #down = new ThroughputMeter()
  #train: number | undefined
  /** Trains have been sent here, whatever came of them. */
  #isTried = false

  /** Nothing is known of this path, and it has not been probed. */
  get isNew(): boolean {
    return !this.#isTried && this.throughput === undefined
  }

  moved(direction: 'up' | 'down', bytes: number, now: number): void {
    const meter = direction === 'up' ? this.#up : this.#down
    meter.add(bytes, now)
  }

  waited(ms: number): void {
    this.#up.waited(ms)
  }

  tried(): void {
    this.#isTried = true
  }

  probed(bytesPerSecond: number | undefined): void {
    this.#train = bytesPerSecond
  }

  /** Of the better direction; undefined while too little has flowed to tell. */
  get throughput(): Throughput | undefined {
    const [up, down, train] = [this.#up, this.#down, this.#train]
    // A flow that nothing but the link held up says more than the trains; another one only that the link is at least as fast.
    const flow = largest(up.limit ?? up.bytesPerSecond, down.bytesPerSecond)
    const isKnown = flow !== undefined && (up.limit !== undefined || train === undefined || flow >= train)
    if (isKnown) return { bytesPerSecond: flow, probed: false }
    return train === undefined ? undefined : { bytesPerSecond: train, probed: true }
  }
}

/** So many networks that a laptop moves between are remembered. */
const mostPaths = 16

/** The paths to one peer. At home the same two machines have another link than over a modem. */
export class LinkSpeed {
  readonly #paths = new Map<string, PathSpeed>()

  /** `path`: the addresses of both ends. */
  of(path: string): PathSpeed {
    const known = this.#paths.get(path) ?? new PathSpeed()
    this.#paths.delete(path)
    this.#paths.set(path, known)
    const [oldest] = this.#paths.keys()
    if (this.#paths.size > mostPaths && oldest !== undefined) this.#paths.delete(oldest)
    return known
  }
}

function largest(...values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
