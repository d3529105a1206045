import type { FolderId, RelativePath } from '@spansync/common/core/causal/types'
import type { FileRules } from '@spansync/common/core/policy/filter'
import type { Observation } from '@spansync/common/ports'
import { DiskThread } from './disk-thread.ts'
import type { GatherRequest } from './gather.ts'
import type { Known, ObserveLimits, ObserveRequest } from './observe.ts'
import type { ScanBatch, ScanSummary } from './scan.ts'
import type { Task, TaskResult } from './tasks.ts'
import { controlSlots, type WorkerReply } from './worker-protocol.ts'

export interface ObserveOptions extends Pick<ObserveLimits, 'folds' | 'files'> {
  /** When given, files above 32 MB are not waited for: their observations come here later, each by itself. A failure there comes as
   *  an observation too (`unreadable`). Must not throw. */
  readonly onLate?: ((observation: Observation) => void) | undefined
}

export interface ScanOptions {
  readonly root: string
  readonly folder: FolderId
  readonly indexFile?: string | undefined
  readonly ignore: readonly string[]
  /** What these leave out is not looked at. */
  readonly files?: FileRules
  /** Only this path and what is below it: a directory that appeared, vanished or was replaced. */
  readonly under?: RelativePath | undefined
  /** The scan waits when two batches are not through. */
  readonly onBatch: (batch: ScanBatch) => void | Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface PerformOptions {
  /** Patterns of names that may be moved out of a directory to be removed. */
  readonly ignore?: readonly string[]
  /** Bytes of tasks, to be handed over instead of copied. */
  readonly transfer?: readonly ArrayBuffer[]
}

/** A path to look at. With `known` (a Row of the index fits) the content is not read again when lstat shows the same signature. */
export type ObservePath =
  | RelativePath
  | (Pick<ObserveRequest, 'path' | 'shared'> & { readonly known?: Partial<Known> | undefined })

/** All work on the disk that could hold up the agent's loop, in threads of its own. Calls are done in the order they are made, but for
 *  big files, which wait for each other only. */
export interface DiskWorker extends AsyncDisposable {
  /** Rejects with a MarkerError when something is absent and the folder's marker is too. One observation per path, in any order. */
  observe(root: string, paths: readonly ObservePath[], options?: ObserveOptions): Promise<Observation[]>
  /** Rejects with a MarkerError when the root is not the folder; 'scan_aborted' when the signal says so. */
  scan(options: ScanOptions): Promise<ScanSummary>
  /** Results in the order of the tasks; those that copy big files may be done after the others. Rejects with a MarkerError, with nothing
   *  done, when the root is not the folder. */
  perform(root: string, tasks: readonly Task[], options?: PerformOptions): Promise<TaskResult[]>
  /** Reads many small files: see `gather`. */
  gather(root: string, files: readonly GatherRequest[]): Promise<Uint8Array>
}

// Above this a file is hashed, or copied, in a thread of its own, so that it never holds up small ones by more than some 30 ms.
const bigBytes = 32 << 20

export function createDiskWorker(): DiskWorker {
  const main = new DiskThread(64)
  const big = new DiskThread(32)
  const scans = new Set<DiskThread>()

  async function askBig(request: Parameters<DiskThread['ask']>[0]): Promise<WorkerReply> {
    try {
      return await big.ask(request)
    } finally {
      if (big.idle) void big.stop()
    }
  }

  async function observeBig(root: string, request: ObserveRequest, limits: ObserveLimits): Promise<Observation> {
    try {
      const reply = await askBig({ kind: 'observe', root, requests: [request], limits })
      return observed(reply).observations[0] as Observation
    } catch (error) {
      return { path: request.path, code: 'unreadable', problem: error instanceof Error ? error.message : String(error) }
    }
  }

  return {
    async observe(root, paths, options = {}) {
      const requests = paths.map(toRequest)
      const { onLate, ...limits } = options
      const { observations, later } = observed(
        await main.ask({ kind: 'observe', root, requests, limits: { ...limits, mostBytes: bigBytes } }),
      )
      if (onLate === undefined)
        return [...observations, ...(await Promise.all(later.map((item) => observeBig(root, item, limits))))]
      for (const item of later) void observeBig(root, item, limits).then(onLate)
      return [...observations]
    },

    async scan(options) {
      const thread = new DiskThread(512)
      scans.add(thread)
      try {
        return await runScan(thread, options)
      } finally {
        scans.delete(thread)
        // The thread goes with all the garbage of the walk.
        await thread.stop()
      }
    },

    async perform(root, tasks, { ignore = [], transfer = [] } = {}) {
      const bigOnes = tasks.filter(isBigCopy)
      const others = tasks.filter((task) => !isBigCopy(task))
      const [small, large] = await Promise.all([
        main.ask({ kind: 'perform', root, tasks: others, ignore }, { transfer }).then(performed),
        bigOnes.length === 0 ? [] : askBig({ kind: 'perform', root, tasks: bigOnes, ignore }).then(performed),
      ])
      const done = { small: small.values(), large: large.values() }
      return tasks.map((task) => (isBigCopy(task) ? done.large : done.small).next().value as TaskResult)
    },

    async gather(root, files) {
      const reply = await main.ask({ kind: 'gather', root, files })
      return (reply as Extract<WorkerReply, { kind: 'gathered' }>).bytes
    },

    async [Symbol.asyncDispose]() {
      await Promise.all([main, big, ...scans].map((thread) => thread.stop()))
    },
  }
}

async function runScan(thread: DiskThread, options: ScanOptions): Promise<ScanSummary> {
  const control = new SharedArrayBuffer(8)
  const slots = new Int32Array(control)
  const abort = (): void => {
    Atomics.store(slots, controlSlots.aborted, 1)
    Atomics.notify(slots, controlSlots.acknowledged)
  }
  if (options.signal?.aborted) abort()
  options.signal?.addEventListener('abort', abort, { once: true })
  let failure: unknown
  const taken: Promise<void>[] = []
  const take = async (batch: ScanBatch): Promise<void> => {
    try {
      await options.onBatch(batch)
    } catch (error) {
      failure ??= error
      abort()
    }
    Atomics.add(slots, controlSlots.acknowledged, 1)
    Atomics.notify(slots, controlSlots.acknowledged)
  }
  const onBatch = (batch: ScanBatch): void => {
    taken.push(take(batch))
  }
  try {
    const { root, folder, indexFile, ignore, files, under } = options
    const reply = await thread.ask(
      { kind: 'scan', task: { root, folder, indexFile, ignore, files, under }, control },
      { onBatch },
    )
    await Promise.all(taken)
    if (failure !== undefined) throw failure
    return (reply as Extract<WorkerReply, { kind: 'scanned' }>).summary
  } catch (error) {
    throw failure ?? error
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
}

function observed(reply: WorkerReply): Extract<WorkerReply, { kind: 'observed' }> {
  return reply as Extract<WorkerReply, { kind: 'observed' }>
}

function performed(reply: WorkerReply): readonly TaskResult[] {
  return (reply as Extract<WorkerReply, { kind: 'performed' }>).results
}

function isBigCopy(task: Task): boolean {
  if (task.op === 'copy') return task.fromExpect.size > bigBytes
  // Where what it replaces is kept may be on another disk.
  if (task.op === 'adopt') return (task.toExpect?.size ?? 0) > bigBytes
  return task.op === 'keep' && task.expect.size > bigBytes
}

/** Only what the thread needs: everything is copied on the way. */
function toRequest(item: ObservePath): ObserveRequest {
  if (typeof item === 'string') return { path: item }
  const { path, known, shared } = item
  if (known?.stat === undefined || known.kind === undefined || known.hash === undefined) return { path, shared }
  return { path, shared, known: { kind: known.kind, hash: known.hash, stat: known.stat } }
}
