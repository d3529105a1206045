import type { Clock } from '../../ports.ts'
import { type Answer, ask, encodeMessage, type Question, tooBig } from './exchange.ts'
import { type OpenConnection, probe } from './open-connection.ts'

/** Bounds on what waits in a connection. Beyond them requests are refused. */
const maxRequests = 256
const maxBacklogBytes = 4 * 1024 * 1024

export interface Request extends Omit<Question, 'data'> {
  readonly payload: unknown
}

/** What is asked over one connection after another. */
export class Requests {
  readonly #clock: Clock
  readonly #probeMs: number
  readonly #probed = new WeakSet<OpenConnection>()
  #waiting = 0

  constructor({ clock, probeMs }: { clock: Clock; probeMs: number }) {
    this.#clock = clock
    this.#probeMs = probeMs
  }

  /** Rejects only with the signal's reason. */
  ask(open: OpenConnection | undefined, question: Request, signal: AbortSignal | undefined): Promise<Answer> {
    return abortable(this.#ask(open, question), signal)
  }

  isFull({ transport }: OpenConnection): boolean {
    return this.#waiting >= maxRequests || transport.backlog > maxBacklogBytes
  }

  async #ask(open: OpenConnection | undefined, { payload, ...question }: Request): Promise<Answer> {
    const data = encodeMessage(payload)
    if (data === undefined) return tooBig
    if (open === undefined) return { kind: 'disconnected' }
    if (this.isFull(open)) return { kind: 'refused', reason: 'too much waits for the server already' }
    this.#waiting++
    const answer = await ask(open, { ...question, data })
    this.#waiting--
    if (answer.kind === 'timeout') void this.#probe(open)
    return answer
  }

  /** Whoever was asked may be busy, or the whole connection may be dead: only the server's own answer tells. One at a time. */
  async #probe(open: OpenConnection): Promise<void> {
    if (this.#probed.has(open)) return
    this.#probed.add(open)
    await probe(open, this.#clock, this.#probeMs)
    this.#probed.delete(open)
  }
}

/** The work goes on in any case; it ends by its own time limit. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}
