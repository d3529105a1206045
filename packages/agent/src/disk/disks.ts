import { statSync } from 'node:fs'
import { errnoOf } from '@spansync/common/runtime/errors'
import { createDiskWorker, type DiskWorker } from './disk-worker.ts'

/** Which disk a directory is on; undefined: that cannot be said now. */
type DiskOf = (root: string) => number | undefined

/** A worker for each disk that folders are on: a slow one holds up what is on it and nothing else. Calls for one root are done in the order
 *  they are made. */
export function createDisks(make: () => DiskWorker = createDiskWorker, diskOf: DiskOf = deviceOf): DiskWorker {
  const disks = new Disks(make, diskOf)
  return {
    observe: (root, ...rest) => disks.on(root, (worker) => worker.observe(root, ...rest)),
    scan: (options) => disks.on(options.root, (worker) => worker.scan(options)),
    perform: (root, ...rest) => disks.on(root, (worker) => worker.perform(root, ...rest)),
    gather: (root, ...rest) => disks.on(root, (worker) => worker.gather(root, ...rest)),
    [Symbol.asyncDispose]: () => disks.stop(),
  }
}

interface Root {
  disk: number | undefined
  worker: DiskWorker
  /** Calls that are not answered yet. */
  open: number
}

class Disks {
  readonly #make: () => DiskWorker
  readonly #diskOf: DiskOf
  readonly #roots = new Map<string, Root>()
  /** All that were ever made; one that no root uses any more serves the next disk. */
  readonly #workers: DiskWorker[] = []

  constructor(make: () => DiskWorker, diskOf: DiskOf) {
    this.#make = make
    this.#diskOf = diskOf
  }

  async on<T>(root: string, work: (worker: DiskWorker) => Promise<T>): Promise<T> {
    const known = this.#find(root)
    known.open++
    try {
      return await work(known.worker)
    } finally {
      known.open--
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker[Symbol.asyncDispose]()))
  }

  /** A disk that is being asked may not answer, and the order of what it is asked for matters: it is not looked at meanwhile. */
  #find(root: string): Root {
    const known = this.#roots.get(root)
    if (known && known.open > 0) return known
    const disk = this.#diskOf(root) ?? known?.disk
    if (known && known.disk === disk) return known
    const found = { disk, worker: this.#workerFor(root, disk), open: 0 }
    this.#roots.set(root, found)
    return found
  }

  /** A disk that is mounted anew has another number: its root keeps the worker that nobody else uses. */
  #workerFor(root: string, disk: number | undefined): DiskWorker {
    const others = [...this.#roots].filter(([path]) => path !== root).map(([, other]) => other)
    const shared = others.find((other) => other.disk === disk)
    if (shared) return shared.worker
    const free = this.#workers.find((worker) => !others.some((other) => other.worker === worker))
    const worker = free ?? this.#make()
    if (!free) this.#workers.push(worker)
    return worker
  }
}

/** Whatever is wrong with the root, the worker says it better. */
function deviceOf(root: string): number | undefined {
  try {
    return statSync(root).dev
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
