import type { Clock } from '@spansync/common/ports'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { LinkClosedError } from './errors.ts'
import type { LinkError, LinkEvent } from './types.ts'

export type HealthNews = Omit<LinkEvent, 'peer' | 'name'>

/** Whether one link is up, since when, and why not. Says so in the log and for the history on a change, not per try. */
export class LinkHealth {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #tell: (news: HealthNews) => void
  #address: string | undefined
  #since: number
  #upAt: number
  #lastError: LinkError | undefined

  constructor(clock: Clock, log: Logger, tell: (news: HealthNews) => void = () => undefined) {
    this.#clock = clock
    this.#log = log
    this.#tell = tell
    this.#since = clock.wallNow()
    this.#upAt = clock.now()
  }

  get since(): number {
    return this.#since
  }

  get lastError(): LinkError | undefined {
    return this.#lastError
  }

  up(peer: string, fields: { readonly address: string; readonly dialed: boolean }): void {
    this.#since = this.#clock.wallNow()
    this.#upAt = this.#clock.now()
    this.#lastError = undefined
    this.#address = fields.address
    this.#tell({ what: 'up', address: fields.address })
    this.#log.info({ event: 'link.up', peer, ...fields }, `the link to ${peer} is up`)
  }

  moved(peer: string, address: string): void {
    this.#address = address
    this.#tell({ what: 'moved', address })
    this.#log.info({ event: 'link.moved', peer, address }, `the link to ${peer} goes over a better address now`)
  }

  /** How long it was up, ms. */
  down(peer: string, reason: SpansyncError): number {
    this.#since = this.#clock.wallNow()
    const { code, message } = reason
    this.#tell({ what: 'down', address: this.#address, code, message })
    this.#note(peer, reason, 'link.down')
    return this.#clock.now() - this.#upAt
  }

  /** A try to bring it up has failed. */
  failed(peer: string, reason: SpansyncError): void {
    const { code, message } = reason
    if (code !== this.#lastError?.code) this.#tell({ what: 'failed', code, message })
    this.#note(peer, reason, 'link.unreachable')
  }

  #note(peer: string, reason: SpansyncError, event: string): void {
    const { code, message, remedy } = reason
    const before = this.#lastError?.code
    this.#lastError = { code, message, remedy }
    if (code === before) return
    const level = levelOf(reason, before !== undefined)
    this.#log[level]({ event, peer, code, problem: message }, remedy)
  }
}

/** That a peer is off is news only when it was not known to be away. What somebody has to see to is a warning. */
function levelOf(reason: SpansyncError, known: boolean): 'debug' | 'info' | 'warn' {
  if (reason.code === 'unreachable') return known ? 'debug' : 'info'
  return reason instanceof LinkClosedError ? 'info' : 'warn'
}
