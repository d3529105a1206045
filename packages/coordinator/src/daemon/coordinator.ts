import { isDeepStrictEqual } from 'node:util'
import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import type { LinkPast } from '@spansync/common/core/coordinator/links'
import type { Clock } from '@spansync/common/ports'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { Enroller } from '../lead/enroller.ts'
import { Leader } from '../lead/leader.ts'
import { toPastByPair } from '../lead/link-memory.ts'
import { Recorder } from '../lead/recorder.ts'
import type { NatsServer } from '../nats/nats-server.ts'
import { Reports } from '../nats/reports.ts'
import type { NatsUsers } from '../nats/server-config.ts'
import { LeaseKeeper } from '../store/lease-keeper.ts'
import type { LinkEnds, NodeRecord, Report, Settings } from '../store/records.ts'
import type { Epoch, Store } from '../store/store.ts'

export interface CoordinatorOptions {
  readonly name: string
  /** Unique to this process. */
  readonly holder: string
  readonly store: Store
  readonly link: NatsLink
  /** The NATS server that this coordinator runs; undefined: somebody else's. */
  readonly server: NatsServer | undefined
  readonly users: () => Promise<NatsUsers>
  readonly clock: Clock
  readonly log: Logger
}

/** Leads whenever the lease allows, and follows what people change in the store. */
export class Coordinator implements AsyncDisposable {
  readonly #options: CoordinatorOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<unknown>[] = []
  #keeper: LeaseKeeper | undefined
  #term: AsyncDisposableStack | undefined
  #leader: Leader | undefined
  #turn: Promise<void> = Promise.resolve()
  #settings: Settings | undefined
  #nodes: readonly NodeRecord[] = []
  /** Whom the NATS server has been told of. */
  #admitted: readonly NodeRecord[] | undefined
  #problem = ''

  constructor(options: CoordinatorOptions) {
    this.#options = options
  }

  start(): void {
    const { store, holder, clock, log } = this.#options
    this.#keeper = new LeaseKeeper({
      lease: store.lease,
      holder,
      clock,
      log,
      onLead: (epoch) => this.#next(() => this.#lead(epoch)),
      onLost: () => this.#next(() => this.#standBy()),
    })
    this.#running.push(this.#keeper.run(this.#stop.signal), this.#followStore(this.#stop.signal))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    await Promise.allSettled(this.#running)
    this.#next(() => this.#standBy())
    await this.#turn
  }

  /** One change of office after the other. */
  #next(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.#tell(error))
  }

  async #lead(epoch: Epoch): Promise<void> {
    const { name, link, clock, log, store } = this.#options
    await this.#standBy()
    // When the store has failed just now, what it holds comes a little later; the lease is kept meanwhile.
    while (this.#settings === undefined && this.#keeper?.epoch === epoch && !this.#stop.signal.aborted) {
      await clock.sleep(retryMs, this.#stop.signal).catch(() => undefined)
    }
    if (this.#settings === undefined || this.#keeper?.epoch !== epoch) return
    const term = new AsyncDisposableStack()
    const past = await this.#recall(epoch)
    if (past === undefined) return
    const recorder = term.use(new Recorder({ store, epoch, clock, log }))
    const settings = this.#settings
    const leader = new Leader({
      name,
      epoch,
      link,
      clock,
      log: log.child({ component: 'lead' }),
      settings,
      nodes: this.#nodes,
      recorder,
      past,
    })
    const handle = async (reports: readonly Report[]): Promise<void> => {
      const { added } = await store.reports.add(reports, epoch)
      leader.counters.reports += added
    }
    const reports = new Reports({ link, clock, log, handle })
    term.use(reports)
    const isForeign = this.#options.server === undefined
    const changed = (): Promise<void> => this.#read()
    const enroller = term.use(new Enroller({ store, epoch, link, clock, log, changed, isForeign }))
    // Last, so that it ends first: nobody may be led any more while the rest comes to its end.
    term.use(leader)
    leader.start()
    reports.start()
    enroller.start()
    this.#term = term
    this.#leader = leader
  }

  /** What the store knows of links; those of nodes that were taken out meanwhile it forgets. Undefined: this term is over. */
  async #recall(epoch: Epoch): Promise<ReadonlyMap<string, LinkPast> | undefined> {
    const { store, clock } = this.#options
    while (this.#keeper?.epoch === epoch && !this.#stop.signal.aborted) {
      try {
        const { items } = await store.links.records()
        const known = new Set(this.#nodes.map(({ id }) => id))
        const isKnown = ({ a, b }: LinkEnds): boolean => known.has(a) && known.has(b)
        const gone = items.filter((link) => !isKnown(link))
        if (gone.length > 0) await store.links.remove(gone, epoch)
        return toPastByPair(items.filter(isKnown))
      } catch (error) {
        this.#tell(error)
        await clock.sleep(retryMs, this.#stop.signal).catch(() => undefined)
      }
    }
    return undefined
  }

  async #standBy(): Promise<void> {
    const term = this.#term
    this.#term = undefined
    this.#leader = undefined
    await term?.disposeAsync()
  }

  /** Commands change the store, and other coordinators do: looked at every second, which costs next to nothing. */
  async #followStore(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!signal.aborted) {
      await this.#read().then(
        () => {
          this.#problem = ''
        },
        (error: unknown) => this.#tell(error),
      )
      await clock.sleep(lookMs, signal).catch(() => undefined)
    }
  }

  async #read(): Promise<void> {
    const { store, server, users } = this.#options
    const [{ settings }, nodes] = [await store.settings.read(), await store.nodes.list()]
    const sameSettings = isDeepStrictEqual(settings, this.#settings)
    const sameNodes = isDeepStrictEqual(nodes, this.#nodes)
    this.#settings = settings
    this.#nodes = nodes
    if (!sameSettings) this.#leader?.setSettings(settings)
    if (!sameNodes) this.#leader?.setNodes(nodes)
    if (!server || isDeepStrictEqual(nodes, this.#admitted)) return
    await server.reload(await users())
    this.#admitted = nodes
  }

  /** The same trouble again and again is told of once. */
  #tell(error: unknown): void {
    const { code, remedy } = toSpansyncError(error)
    if (code === this.#problem) return
    this.#problem = code
    this.#options.log.error({ event: 'coordinator.trouble', code, err: error }, remedy)
  }
}

const lookMs = 1000
const retryMs = 200
