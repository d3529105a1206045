import type { Clock } from '../../ports.ts'
import { type Answer, ask, encodeMessage, type Question, tooBig } from './exchange.ts'
import { type OpenConnection, probe } from './open-connection.ts'

/** Bounds on what waits in a connection. Beyond them requests are refused. */
const maxRequests = 256
const maxBacklogBytes = 4 * 1024 * 1024

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

  /** Never throws. */
  async ask(
    open: OpenConnection | undefined,
    { payload, ...question }: Omit<Question, 'data'> & { readonly payload: unknown },
  ): Promise<Answer> {
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

  isFull({ transport }: OpenConnection): boolean {
    return this.#waiting >= maxRequests || transport.backlog > maxBacklogBytes
  }

  /** Whoever was asked may be busy, or the whole connection may be dead: only the server's own answer tells. One at a time. */
  async #probe(open: OpenConnection): Promise<void> {
    if (this.#probed.has(open)) return
    this.#probed.add(open)
    await probe(open, this.#clock, this.#probeMs)
    this.#probed.delete(open)
  }
}
