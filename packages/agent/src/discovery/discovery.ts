import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import multicastDns, { type MulticastDNS } from 'multicast-dns'
import { Alarm } from '../transport/alarm.ts'
import { announcement, readAnnouncements, service } from './announcement.ts'
import { isOnLink, ownNetworks } from './networks.ts'
import { AddressSightings } from './sightings.ts'

export interface DiscoveryOptions {
  readonly id: NodeId
  /** As configured. */
  readonly listen: () => string | undefined
  /** Where this node can be dialled; undefined: it only looks for others. */
  readonly port: () => number | undefined
  readonly isPeer: (id: NodeId) => boolean
  /** Everywhere that somebody says a peer is, the newest word first. */
  readonly found: (id: NodeId, addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Logger
}

/** Between questions, RFC 6762: 1 s, then ever longer, up to an hour. */
const firstMs = 1_000
const longestMs = 3_600_000
const growth = 3
/** The first word may be lost. */
const wordsAtFirst = 2

/** Finds peers on the local networks, and lets itself be found. Speaks IPv4 multicast on every interface; never rejects, for everything
 *  works without it. What it finds is a hint: who answers there is checked like everywhere. */
export class Discovery implements AsyncDisposable {
  readonly #options: DiscoveryOptions
  readonly #alarm: Alarm
  readonly #sockets = new Map<string, MulticastDNS>()
  readonly #sightings = new AddressSightings()
  #running: Promise<void> | undefined
  #stopped = false
  #pauseMs = firstMs
  #words = 0

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#alarm = new Alarm(options.clock)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The networks are others, or somebody is missed: asks again at once, and says where this node is. */
  refresh(): void {
    this.#pauseMs = firstMs
    this.#words = 0
    this.#sightings.forget()
    this.#alarm.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#alarm.wake()
    await this.#running
    await Promise.all([...this.#sockets].map(([address, socket]) => this.#leave(address, socket)))
    this.#sockets.clear()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#ask()
      } catch (error) {
        const remedy = 'it is tried again; peers are found by their configured addresses meanwhile'
        this.#options.log.warn({ event: 'discovery.failed', err: error }, remedy)
      }
      await this.#alarm.wait(this.#pauseMs)
      this.#pauseMs = Math.min(this.#pauseMs * growth, longestMs)
    }
  }

  #ask(): void {
    this.#openSockets()
    for (const [address, socket] of this.#sockets) {
      if (this.#words < wordsAtFirst) this.#announce(address, socket)
      socket.query({ questions: [{ name: service, type: 'PTR' }] })
    }
    this.#words++
  }

  #openSockets(): void {
    const wanted = ownNetworks(this.#options.listen())
    for (const [address, socket] of this.#sockets) {
      if (wanted.includes(address)) continue
      this.#sockets.delete(address)
      socket.destroy()
    }
    for (const address of wanted) if (!this.#sockets.has(address)) this.#open(address)
  }

  #open(address: string): void {
    const { log } = this.#options
    const socket = multicastDns({ interface: address, bind: '0.0.0.0' })
    this.#sockets.set(address, socket)
    const trouble = (err: unknown): void =>
      log.debug({ event: 'discovery.trouble', address, err }, 'peers are found by their configured addresses')
    socket.on('warning', trouble)
    socket.on('error', (error) => {
      trouble(error)
      if (this.#sockets.get(address) === socket) this.#sockets.delete(address)
      socket.destroy()
    })
    socket.on('query', ({ questions }) => {
      if (questions?.some(({ name, type }) => name.toLowerCase() === service && type === 'PTR'))
        this.#announce(address, socket)
    })
    socket.on('response', ({ answers, additionals }) => this.#hear([...(answers ?? []), ...(additionals ?? [])]))
  }

  #announce(address: string, socket: MulticastDNS): void {
    const { id, port } = this.#options
    const own = port()
    if (own === undefined || this.#stopped) return
    socket.respond({ answers: announcement({ id, port: own, address }) })
  }

  #hear(records: readonly unknown[]): void {
    const { id: own, isPeer, found, log, clock } = this.#options
    for (const { id, addresses, gone } of readAnnouncements(records)) {
      if (id === own || !isPeer(id) || this.#stopped) continue
      const near = addresses.filter((address) => isOnLink(address.slice(0, address.lastIndexOf(':'))))
      const believed = this.#sightings.hear({ id, addresses: near, gone }, clock.now())
      if (believed === undefined) continue
      log.debug({ event: 'discovery.found', id, addresses: believed })
      found(id, believed)
    }
  }

  /** Says goodbye, so that nobody knocks here for long. */
  async #leave(address: string, socket: MulticastDNS): Promise<void> {
    const { id, port, clock } = this.#options
    const own = port()
    const enough = new AbortController()
    const said = new Promise<void>((resolve) => {
      if (own === undefined) resolve()
      else socket.respond({ answers: announcement({ id, port: own, address }, { gone: true }) }, () => resolve())
    })
    await Promise.race([said, clock.sleep(200, enough.signal).catch(() => undefined)])
    enough.abort()
    await new Promise<void>((resolve) => socket.destroy(() => resolve()))
  }
}
