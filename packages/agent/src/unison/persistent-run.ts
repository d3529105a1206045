import { dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Clock } from '@spansync/common/ports'
import { type PairPreferences, persistentArguments, remoteRootOf, unisonEnvironment } from './arguments.ts'
import type { Bridge, Traffic } from './bridge.ts'
import { type Child, searchPath, startChild, type Wrap, wrapped } from './child.ts'
import { CycleReader, type CycleResult } from './cycle-reader.ts'
import { CycleWaiters } from './cycle-waiters.ts'
import { PersistentClosedError } from './errors.ts'
import { type MonitorPhase, MonitorStandIn } from './monitor-stand-in.ts'
import { type Outcome, outcomeOf, type Reason, reasonOf } from './outcome.ts'
import type { UnisonBinary } from './version.ts'
import { Watchdog } from './watchdog.ts'

export interface PersistentOptions {
  readonly unison: UnisonBinary
  readonly localRoot: string
  readonly localNodeId: string
  /** Of this pair alone (`pairDirectory`); made when missing. */
  readonly unisonDir: string
  /** Opens a stream to a `serveUnison` with a monitor, for the same folder. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>
  /** Only these paths and what is below, from the start scan on; default: the whole root. */
  readonly scope?: readonly string[] | undefined
  readonly ignore: readonly string[]
  readonly preferences?: PairPreferences | undefined
  /** See ClientSettings. */
  readonly noDeletion?: boolean | undefined
  readonly noCreation?: boolean | undefined
  readonly backupDir?: string | undefined
  /** Longest silence on the stream during a cycle or the start scan. */
  readonly watchdogMs: number
  readonly wrap?: Wrap | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface PersistentEnding {
  readonly exit: number | null
  /** `done`: closed on request. */
  readonly outcome: Outcome
  readonly reason: Reason
  readonly outputTail: string
}

/** How long a cycle may go on after `close`. */
const closeGraceMs = 2000

/** One long-lived `unison -repeat watch`: no start-up, no scan, archives in memory. It synchronises the paths it is told of; it
 *  refuses true conflicts. After each cycle it pauses for a second, which nothing can shorten. */
export class PersistentRun implements AsyncDisposable {
  /** This side's half of the stand-in. */
  readonly monitor = new MonitorStandIn()
  readonly closed: Promise<PersistentEnding>
  readonly #options: PersistentOptions
  readonly #watchdog: Watchdog
  readonly #end = Promise.withResolvers<PersistentEnding>()
  readonly #cycles = new Set<(result: CycleResult) => void>()
  readonly #waiters = new CycleWaiters()
  #child: Child | undefined
  #bridge: Bridge | undefined
  #closing = false
  /** Until the start scan is over nobody asked for what happens. */
  #activity: 'start_scan' | 'cycle' | 'none' = 'start_scan'

  constructor(options: PersistentOptions) {
    this.#options = options
    this.closed = this.#end.promise
    this.#watchdog = new Watchdog({ clock: options.clock, ms: options.watchdogMs, bark: () => this.#child?.kill() })
  }

  get phase(): MonitorPhase {
    return this.monitor.phase
  }

  traffic(): Traffic {
    return this.#bridge?.traffic() ?? { sent: 0, received: 0 }
  }

  /** The processes of this side, for measuring. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Called after each cycle, whichever side started it; not after the start scan. Gives back how to stop listening. */
  onCycle(listener: (result: CycleResult) => void): () => void {
    this.#cycles.add(listener)
    return () => this.#cycles.delete(listener)
  }

  /** Synchronises these paths; the other side must have been told of them before. Resolves at the end of the cycle that took them,
   *  before the pause. What the result says is a hint; look at the files. Rejects with PersistentClosedError, TooManyPathsError or the
   *  signal's reason (the cycle goes on). */
  async sync(paths: readonly string[], signal?: AbortSignal): Promise<CycleResult> {
    signal?.throwIfAborted()
    if (this.monitor.phase === 'closed') throw new PersistentClosedError('it was closed')
    this.monitor.notify(paths)
    return await this.#waiters.wait(signal)
  }

  /** Resolves when the start scan is over and a notice has effect at once; about a second after the scan. */
  async ready(): Promise<void> {
    await this.monitor.untilWaiting()
    if (this.monitor.phase === 'closed') throw new PersistentClosedError((await this.closed).outputTail)
  }

  async start(bridge: Bridge, monitorDir: string): Promise<void> {
    const { unison, localNodeId, unisonDir, scope = [], backupDir, wrap, signal } = this.#options
    this.#bridge = bridge
    const argv = persistentArguments({
      ...this.#options,
      remoteRoot: remoteRootOf(bridge.socketPath),
      scope,
      backup: backupDir !== undefined,
    })
    const reader = new CycleReader((result) => this.#finish(result))
    const environment = {
      nodeId: localNodeId,
      unisonDir,
      home: unisonDir,
      backupDir,
      monitorDir,
      searchPath: searchPath(),
    }
    const child = startChild({
      argv: wrapped([unison.path, ...argv], wrap, [dirname(bridge.socketPath)]),
      environment: unisonEnvironment(environment),
      cwd: unisonDir,
      input: false,
      monitor: true,
      onOutput: (text) => reader.push(text),
    })
    this.#child = child
    if (child.monitor) this.monitor.attach(child.monitor)
    this.monitor.onTaken(() => this.#begin())
    signal.addEventListener('abort', child.kill, { once: true })
    if (signal.aborted) child.kill()
    bridge.connected.catch(child.kill)
    this.#watchdog.start()
    child.ended.then((ending) => this.#over(ending)).catch(() => undefined)
  }

  /** Bytes went through. */
  moved(): void {
    this.#watchdog.feed()
  }

  /** Lets a cycle finish for two seconds at most, then ends the run. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#child === undefined) {
      await this.#bridge?.[Symbol.asyncDispose]()
      return
    }
    const enough = new AbortController()
    const patience = this.#options.clock.sleep(closeGraceMs, enough.signal).catch(() => undefined)
    if (this.#activity === 'cycle')
      await Promise.race([new Promise((resolve) => this.onCycle(resolve)), this.closed, patience])
    enough.abort()
    this.#child.kill()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #begin(): void {
    this.#activity = 'cycle'
    this.#watchdog.resume()
    this.#waiters.taken()
  }

  #finish(result: CycleResult): void {
    const wasCycle = this.#activity === 'cycle'
    this.#activity = 'none'
    this.#watchdog.pause()
    this.#waiters.finished(result)
    if (wasCycle) for (const listener of this.#cycles) listener(result)
  }

  async #over({ exit, outputTail }: { exit: number | null; outputTail: string }): Promise<void> {
    this.#watchdog.stop()
    this.monitor.close()
    this.#options.signal.removeEventListener('abort', this.#child?.kill ?? (() => undefined))
    await this.#bridge?.[Symbol.asyncDispose]()
    const outcome = this.#watchdog.hasBarked ? 'stalled' : this.#closing ? 'done' : outcomeOf(exit, outputTail)
    this.#end.resolve({ exit, outcome, reason: reasonOf(outputTail), outputTail })
    this.#waiters.failed(new PersistentClosedError(outcome === 'done' ? 'it was closed' : outputTail || outcome))
  }
}
