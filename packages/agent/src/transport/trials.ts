import type { Clock } from '@spansync/common/ports'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { AddressBook } from './address-book.ts'
import { isBetter, isWorthCutting } from './address-cost.ts'
import type { ControlLink } from './control-link.ts'
import { LinkClosedError } from './errors.ts'
import type { PeerLink } from './peer-link.ts'

/** A peer has one trial at a time; more are none of ours. */
const mostTrials = 4
/** Who tries a connection makes up its mind by then. */
const trialMs = 60_000

/** A peer that answers at another address surely does here, if the connection still lives. */
const answerMs = 5_000

export interface TrialHooks {
  readonly clock: Clock
  readonly log: Logger
  /** What the peer is called. */
  readonly name: () => string
  readonly book: AddressBook
  readonly link: () => PeerLink | undefined
  /** The peer has answered at this address, which is to be dialled first. */
  readonly isThere: (address: string) => void
  /** The link goes over this connection now. */
  readonly moved: (link: PeerLink, carrier: ControlLink) => void
}

/** Connections beside the link that are tried and measured: the dialling side then moves the link to one, or lets it go. */
export class Trials {
  readonly #hooks: TrialHooks
  readonly #carriers = new Set<ControlLink>()

  constructor(hooks: TrialHooks) {
    this.#hooks = hooks
  }

  get isFull(): boolean {
    return this.#carriers.size >= mostTrials
  }

  /** Of this side. Measures the connection against the one in use. */
  async weigh(carrier: ControlLink): Promise<'moved' | 'kept'> {
    const { link: linkNow, book, log, name } = this.#hooks
    const link = linkNow()
    this.#carriers.add(carrier)
    carrier.start()
    const isOldAlive = link === undefined ? Promise.resolve(true) : this.#answers(link)
    const isAlive = await carrier.probe()
    await carrier.measured
    if (link !== undefined && isAlive && !(await isOldAlive)) return this.#lost(link, carrier)
    const [there, here] = [book.wayOf(carrier.address), book.wayOf(link?.address ?? '')]
    const isTaken = isAlive && link !== undefined && link === linkNow() && link.mayMove && isBetter(there, here)
    log.debug({ event: 'link.weighed', peer: name(), address: carrier.address, there, here, isTaken })
    if (isTaken) {
      this.#move(link, carrier, isWorthCutting(there, here))
      return 'moved'
    }
    this.#carriers.delete(carrier)
    carrier.close(new LinkClosedError('dropped', 'the address that is in use is no worse'))
    return 'kept'
  }

  #answers(link: PeerLink): Promise<boolean> {
    const enough = new AbortController()
    const late = this.#hooks.clock.sleep(answerMs, enough.signal).then(
      () => false,
      () => false,
    )
    return Promise.race([link.probe(), late]).finally(() => enough.abort())
  }

  /** The peer is there, and not where the link goes: a link that moved from there would wait for a last word that does not come. */
  #lost(link: PeerLink, carrier: ControlLink): 'kept' {
    this.#hooks.isThere(carrier.address)
    this.#carriers.delete(carrier)
    carrier.close(new LinkClosedError('dropped', 'the link is dialled anew'))
    const message = 'the peer answers at another address, and no longer here'
    if (link === this.#hooks.link()) link.close(new LinkClosedError('peer_silent', message), false)
    return 'kept'
  }

  /** Of the peer, beside the link that it has dialled. */
  bear(carrier: ControlLink): void {
    this.#carriers.add(carrier)
    carrier.start()
    const late = new LinkClosedError('dropped', 'the trial takes too long')
    carrier.later(trialMs, () => {
      if (this.#carriers.has(carrier)) carrier.close(late)
    })
  }

  /** The peer makes one of its trials the link. */
  taken(carrier: ControlLink): void {
    if (carrier.dialed || !this.#carriers.has(carrier)) return
    const link = this.#hooks.link()
    if (link === undefined || link.dialed)
      return carrier.close(new LinkClosedError('duplicate', 'there is no such link'))
    // The peer moves on before it has said its last word where it was before: what is still to come from there could be lost.
    if (link.isWaiting) return link.drop('the peer moves the link twice at once')
    this.#move(link, carrier, false)
  }

  /** False when it is no trial. */
  fell(carrier: ControlLink): boolean {
    return this.#carriers.delete(carrier)
  }

  end(reason: SpansyncError): void {
    for (const carrier of [...this.#carriers]) carrier.close(reason)
  }

  #move(link: PeerLink, carrier: ControlLink, cuts: boolean): void {
    this.#carriers.delete(carrier)
    link.moveTo(carrier, { cuts })
    this.#hooks.moved(link, carrier)
  }
}
