import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { Redis, type RedisOptions } from 'ioredis'
import { StoreUnreachableError } from '../errors.ts'
import { toStoreError } from './redis-errors.ts'
import type { RedisAddress } from './redis-url.ts'
import { isUnknownScript, type Script } from './script.ts'

export interface RedisConnectionOptions {
  readonly address: RedisAddress
  readonly location: string
  /** All keys begin with `spansync:{network}:`. In braces, so that a cluster keeps them together, and a script may touch them all. */
  readonly network: string
  readonly replyTimeoutMs: number
  readonly log: Logger
}

const firstRetryMs = 50
const longestRetryMs = 2000

/** One connection that comes back by itself for as long as it is not closed. Nothing is queued while it is away: every command fails at
 *  once or within `replyTimeoutMs`, and whoever sent it knows best whether it still matters later. */
export class RedisConnection {
  readonly location: string
  readonly redis: Redis
  readonly #prefix: string
  readonly #log: Logger
  #closed = false
  #lastProblem: Error | undefined

  constructor(options: RedisConnectionOptions) {
    this.location = options.location
    this.#prefix = `spansync:{${options.network}}:`
    this.#log = options.log
    this.redis = new Redis(redisOptions(options))
    this.redis.on('error', (error: Error) => this.#noteProblem(error))
    this.redis.on('ready', () => {
      if (this.#lastProblem !== undefined) this.#log.info({ event: 'store.connected' }, this.location)
      this.#lastProblem = undefined
    })
  }

  /** Until the server answers and has read its data. Throws what keeps it from that. */
  async connect(withinMs: number, signal?: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(withinMs)
    const limit = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      await this.run(limit, (redis) => redis.connect())
    } catch (error) {
      this.close()
      signal?.throwIfAborted()
      if (!timeout.aborted) throw error
      throw this.#lastProblem === undefined
        ? new StoreUnreachableError(this.location, new Error(`no answer within ${withinMs} ms`))
        : this.#explain(this.#lastProblem)
    }
  }

  key(...parts: readonly string[]): string {
    return this.#prefix + parts.join(':')
  }

  /** Rejects with the signal's reason at once; what was sent may still be carried out then. */
  async run<T>(signal: AbortSignal | undefined, work: (redis: Redis) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    try {
      return await orAborted(work(this.redis), signal)
    } catch (error) {
      if (signal?.aborted) throw error
      const { location } = this
      throw toStoreError(error, { location, closed: this.#closed, lastProblem: this.#lastProblem })
    }
  }

  async runScript(
    script: Script,
    input: { readonly keys: readonly string[]; readonly args: readonly (string | number)[] },
    signal?: AbortSignal,
  ): Promise<unknown> {
    const values = [...input.keys, ...input.args]
    return this.run(signal, async (redis) => {
      try {
        return await redis.evalsha(script.sha, input.keys.length, ...values)
      } catch (error) {
        // A server that has just started knows no scripts.
        if (!isUnknownScript(error)) throw error
        return redis.eval(script.text, input.keys.length, ...values)
      }
    })
  }

  close(): void {
    this.#closed = true
    this.redis.disconnect()
  }

  /** Told once per kind of trouble, not with every attempt. */
  #noteProblem(error: Error): void {
    if (this.#closed) return
    const known = this.#lastProblem?.message === error.message
    this.#lastProblem = error
    if (known) return
    const problem = toSpansyncError(this.#explain(error))
    this.#log.warn({ event: 'store.connection_lost', code: problem.code, err: problem }, problem.remedy)
  }

  #explain(problem: Error): unknown {
    return toStoreError(problem, { location: this.location, closed: false, lastProblem: undefined })
  }
}

function redisOptions(options: RedisConnectionOptions): RedisOptions & { replyMapping: 'legacy' } {
  const { address, network, replyTimeoutMs } = options
  const { host, port, database, username, password, tls } = address
  return {
    host,
    port,
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectionName: `spansync-coordinator:${encodeURIComponent(network)}`,
    replyMapping: 'legacy',
    lazyConnect: true,
    connectTimeout: replyTimeoutMs,
    // Also what notices that the server's machine is gone: then the connection is made anew, and nothing waits for TCP to give up.
    socketTimeout: replyTimeoutMs,
    enableOfflineQueue: false,
    // A command whose answer was lost is not sent again behind its sender's back.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // For ever: the server's restart may take hours. With some chance in it, so that many do not come back in the same instant.
    retryStrategy: (attempt) => {
      const delay = Math.min(firstRetryMs * 2 ** Math.min(attempt - 1, 10), longestRetryMs)
      return delay * (0.75 + Math.random() / 2)
    },
    // After a failover the address leads to another server, but only for a new connection.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
