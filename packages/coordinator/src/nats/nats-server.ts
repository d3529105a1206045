import { Backoff } from '@spansync/common/adapters/nats/backoff'
import { formatHostPort } from '@spansync/common/config/values'
import type { Clock } from '@spansync/common/ports'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { readIfThere, replaceFile } from './certificate.ts'
import { NatsServerFailedError } from './errors.ts'
import { findNatsServer } from './find-program.ts'
import { reachable } from './greeting.ts'
import { launch, untilReady } from './launch.ts'
import { reloadServer } from './reload.ts'
import { authorizationText, type NatsUsers } from './server-config.ts'
import { type ServerFiles, serverFiles, type WriteOptions, writeServerFiles } from './server-files.ts'
import { cutLog, findProcess, type ServerProcess, stopProcess } from './server-process.ts'

const restarts = { firstMs: 250, longestAtFirstMs: 10_000, triesAtFirst: 20, longestMs: 60_000 }
/** One that ran so long was well. */
const goodAfterMs = 60_000
/** Every stranger who knocks costs a line in the log. */
const logCheckMs = 600_000

export interface NatsServerOptions extends WriteOptions {
  /** Its own, such as `nats` in the coordinator's home: configuration, certificate, store, log, pid. Made when missing. Only one
   *  coordinator at a time may use it. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Logger
  /** nats-server's path. Default: looked for. */
  readonly program?: string
}

/** A nats-server that the coordinator runs itself. It outlives a coordinator that dies, and the next one takes it over; one that is
 *  disposed of takes it along. */
export class NatsServer implements AsyncDisposable {
  readonly #options: NatsServerOptions
  readonly #files: ServerFiles
  readonly #stop = new AbortController()
  #certificate = ''
  #program = ''
  #process: ServerProcess | undefined
  #supervision: Promise<void> | undefined
  #tending: Promise<void> | undefined
  #changes: Promise<void> = Promise.resolve()

  constructor(options: NatsServerOptions) {
    this.#options = options
    this.#files = serverFiles(options.directory)
  }

  /** PEM, for the credentials of everybody. Known after `start`. */
  get certificate(): string {
    return this.#certificate
  }

  /** For programs on this machine. */
  get url(): string {
    const { host, port } = this.#options
    return `tls://${formatHostPort({ host: reachable(host), port })}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Resolves when it takes connections. Throws NatsServerMissingError, NatsPortInUseError, NatsServerFailedError. */
  async start(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { program, log } = this.#options
    this.#program = program ?? (await findNatsServer())
    const { certificate, isMoved } = await writeServerFiles(this.#files, this.#options)
    this.#certificate = certificate.cert
    const found = await this.#adopt(isMoved, signal)
    this.#process = found ?? (await this.#launch(signal))
    const fields = { event: 'nats.server_started', pid: this.#process.pid, adopted: found !== undefined, url: this.url }
    log.info(fields, found === undefined ? 'nats-server runs' : 'took over the nats-server that was still running')
    this.#supervision = this.#supervise(this.#process, this.#stop.signal)
    this.#tending = this.#tendLog(this.#stop.signal)
  }

  /** Adds, changes and removes users; everybody else stays connected. Throws NatsReloadError, and then all is as before. */
  reload(users: NatsUsers): Promise<void> {
    const change = this.#changes.then(() => this.#apply(authorizationText(users)))
    this.#changes = change.catch(() => undefined)
    return change
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#supervision, this.#tending])
    await this.#changes
    if (this.#process !== undefined) await stopProcess(this.#process, this.#options.clock)
    this.#process = undefined
  }

  async #apply(text: string): Promise<void> {
    const { usersFile } = this.#files
    const before = await readIfThere(usersFile)
    if (before === text) return
    await replaceFile(usersFile, text)
    if (this.#process === undefined) return
    try {
      await reloadServer(this.#process, this.#files, this.#options.clock)
    } catch (error) {
      // Or the next start of the server would fail, too.
      if (before !== undefined) await replaceFile(usersFile, before)
      throw error
    }
  }

  async #adopt(isMoved: boolean, signal: AbortSignal): Promise<ServerProcess | undefined> {
    const { clock } = this.#options
    const { configFile, pidFile } = this.#files
    const found = await findProcess(pidFile, { configFile, clock })
    if (found === undefined) return undefined
    try {
      if (isMoved) throw new NatsServerFailedError('runs with another configuration', this.#files.logFile)
      await untilReady({ ...this.#options, files: this.#files, signal })
      await reloadServer(found, this.#files, clock)
      return found
    } catch (error) {
      signal.throwIfAborted()
      this.#options.log.info({ event: 'nats.server_replaced', pid: found.pid, err: error }, 'starting it anew')
      await stopProcess(found, clock)
      return undefined
    }
  }

  async #launch(signal: AbortSignal): Promise<ServerProcess> {
    const { usersFile } = this.#files
    const { clock, log } = this.#options
    const before = await readIfThere(usersFile)
    const launched = await launch({ ...this.#options, program: this.#program, files: this.#files, signal })
    this.#process = launched
    // Changed while it was starting: it may have read the old ones.
    if ((await readIfThere(usersFile)) !== before) {
      await reloadServer(launched, this.#files, clock).catch((error: unknown) => {
        const { code, remedy } = toSpansyncError(error)
        log.error({ event: 'nats.reload_failed', code, err: error }, remedy)
      })
    }
    return launched
  }

  async #supervise(first: ServerProcess, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    const backoff = new Backoff(restarts, Math.random)
    for (let current: ServerProcess | undefined = first; ; ) {
      const begunAt = clock.now()
      await current?.ended(signal).catch(() => undefined)
      if (signal.aborted) return
      this.#process = undefined
      if (clock.now() - begunAt >= goodAfterMs) backoff.reset()
      if (current !== undefined) log.warn({ event: 'nats.server_died', pid: current.pid }, 'it is started again')
      await clock.sleep(backoff.next(), signal).catch(() => undefined)
      if (signal.aborted) return
      current = await this.#launch(signal).catch((error: unknown) => {
        const { code, remedy } = toSpansyncError(error)
        if (!signal.aborted) log.error({ event: 'nats.server_failed', code, err: error }, remedy)
        return undefined
      })
    }
  }

  async #tendLog(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    while (!signal.aborted) {
      await cutLog(this.#files.logFile).catch((error: unknown) => {
        log.warn({ event: 'nats.log_not_cut', err: error }, 'see that the disk is not full of it')
      })
      await clock.sleep(logCheckMs, signal).catch(() => undefined)
    }
  }
}
