import type { Clock } from '@spansync/common/ports'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { LinkClosedError } from './errors.ts'
import type { LinkError } from './types.ts'

/** Whether one link is up, since when, and why not. Says so in the log on a change, not per try. */
export class LinkHealth {
  readonly #clock: Clock
  readonly #log: Logger
  #since: number
  #upAt: number
  #lastError: LinkError | undefined

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
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
    this.#log.info({ event: 'link.up', peer, ...fields }, `the link to ${peer} is up`)
  }

  /** How long it was up, ms. */
  down(peer: string, reason: SpansyncError): number {
    this.#since = this.#clock.wallNow()
    this.#note(peer, reason, 'link.down')
    return this.#clock.now() - this.#upAt
  }

  /** A try to bring it up has failed. */
  failed(peer: string, reason: SpansyncError): void {
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
