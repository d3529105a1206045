import { Worker } from 'node:worker_threads'
import { SpansyncError } from '@spansync/common/runtime/errors'
import { MarkerError, type MarkerErrorCode } from './marker-errors.ts'
import type { ScanBatch } from './scan.ts'
import type { WireError, WorkerReply, WorkerRequest } from './worker-protocol.ts'

type Without<T> = T extends unknown ? Omit<T, 'id'> : never

interface Waiting {
  readonly resolve: (reply: WorkerReply) => void
  readonly reject: (error: Error) => void
  readonly onBatch: ((batch: ScanBatch) => void) | undefined
}

/** The thread is gone in the middle of its work. The next call starts another one. */
export class DiskThreadError extends SpansyncError {
  constructor(reason: string, cause?: unknown) {
    super({
      code: 'disk_thread_failed',
      message: `the thread that reads the disk ended: ${reason}`,
      remedy: 'it is started again by itself; when this comes back, report it together with the log',
      retryable: true,
      cause,
    })
  }
}

/** One worker thread with its open questions. Starts with the first question. */
export class DiskThread {
  readonly #oldMegabytes: number
  #worker: Worker | undefined
  #nextId = 1
  readonly #waiting = new Map<number, Waiting>()

  constructor(oldMegabytes: number) {
    this.#oldMegabytes = oldMegabytes
  }

  get idle(): boolean {
    return this.#waiting.size === 0
  }

  /** What is in `transfer` is handed over, not copied. */
  ask(
    request: Without<WorkerRequest>,
    { onBatch, transfer = [] }: { onBatch?: (batch: ScanBatch) => void; transfer?: readonly ArrayBuffer[] } = {},
  ): Promise<WorkerReply> {
    const id = this.#nextId++
    const worker = this.#worker ?? this.#start()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onBatch })
      worker.ref()
      worker.postMessage({ ...request, id }, transfer)
    })
  }

  /** Ends the thread at once; open questions are rejected. Its memory goes back to the system. */
  async stop(reason = 'stopped'): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#fail(new DiskThreadError(reason))
    await worker?.terminate()
  }

  #start(): Worker {
    // Small spaces: what a thread leaves behind counts against the whole agent.
    const worker = new Worker(new URL(`./worker-main${sourceExtension}`, import.meta.url), {
      name: 'disk',
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: this.#oldMegabytes },
    })
    worker.on('message', (reply: WorkerReply) => this.#take(reply))
    worker.on('error', (error) => this.#ended(worker, error.message, error))
    worker.on('exit', (code) => this.#ended(worker, `exit code ${code}`))
    this.#worker = worker
    return worker
  }

  #take(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (waiting === undefined) return
    if (reply.kind === 'scan_batch') {
      waiting.onBatch?.(reply.batch)
      return
    }
    this.#waiting.delete(reply.id)
    // An idle thread does not keep the process alive.
    if (this.idle) this.#worker?.unref()
    if (reply.kind === 'failed') waiting.reject(fromWire(reply.error))
    else waiting.resolve(reply)
  }

  #ended(worker: Worker, reason: string, cause?: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#fail(new DiskThreadError(reason, cause))
  }

  #fail(error: Error): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}

// Sources run from .ts, the build from .js.
const sourceExtension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

function fromWire(wire: WireError): SpansyncError {
  if (wire.name === MarkerError.name) return new MarkerError({ ...wire, code: wire.code as MarkerErrorCode })
  return new SpansyncError(wire)
}
