import { zstdCompressSync } from 'node:zlib'
import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import { parseMessage } from '@spansync/common/adapters/nats/parse-message'
import type { Incoming } from '@spansync/common/adapters/nats/subscriptions'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { CoordinatorEffect, CoordinatorEvent } from '@spansync/common/core/coordinator/events'
import { pairKey } from '@spansync/common/core/coordinator/facts'
import type { LinkPast, LinkRecord } from '@spansync/common/core/coordinator/links'
import { type CoordinatorState, initialState } from '@spansync/common/core/coordinator/state'
import { step } from '@spansync/common/core/coordinator/step'
import { never } from '@spansync/common/core/never'
import type { Clock } from '@spansync/common/ports'
import {
  beatMs,
  type Order,
  orderAnswerSchema,
  type StateAnswer,
  stateSchema,
  subjects,
} from '@spansync/common/protocol/coordination'
import { queryBytes, querySchema } from '@spansync/common/protocol/overview'
import type { Logger } from '@spansync/common/runtime/logger'
import { Timer } from '@spansync/common/runtime/timer'
import type { LinkEnds, NodeRecord, Settings } from '../store/records.ts'
import type { Epoch } from '../store/store.ts'
import { Counters } from './counters.ts'
import { LinkMemory } from './link-memory.ts'
import { type Dispatch, Outbox } from './outbox.ts'
import { overviewOf } from './overview.ts'
import type { Recorder } from './recorder.ts'

export interface LeaderOptions {
  /** This coordinator's, for people. */
  readonly name: string
  readonly epoch: Epoch
  readonly link: NatsLink
  readonly clock: Clock
  readonly log: Logger
  readonly settings: Settings
  readonly nodes: readonly NodeRecord[]
  readonly recorder: Recorder
  /** What was known of links before; by `pairKey`. */
  readonly past: ReadonlyMap<string, LinkPast>
}

type WithoutTime = CoordinatorEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> : never) : never

/** One term of leading: takes states in, lets the pure core decide, sends orders out. Loses nothing when it ends, for the agents say
 *  again how things are to whoever leads next. */
export class Leader implements AsyncDisposable {
  readonly #options: LeaderOptions
  readonly #stop = new AbortController()
  readonly #resources = new DisposableStack()
  readonly #begunAt: number
  readonly counters = new Counters()
  readonly #outbox = new Outbox({ limit: mostUnanswered, send: (order) => this.#send(order) })
  readonly #memory: LinkMemory
  #state: CoordinatorState
  #nodes = new Map<NodeId, NodeRecord>()
  #respond: ((answer: StateAnswer) => void) | undefined
  readonly #timer: Timer

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#begunAt = options.clock.now()
    this.#state = initialState(options.epoch, toCore(options.settings), options.past)
    this.#memory = new LinkMemory(options.past)
    this.#timer = new Timer(options.clock, () => {
      this.#handle({ kind: 'ticked' })
      this.#scheduleNext()
    })
    this.setNodes(options.nodes)
  }

  get epoch(): Epoch {
    return this.#options.epoch
  }

  start(): void {
    const { link } = this.#options
    this.#resources.use(link.subscribe(subjects.state('*'), (message) => this.#onState(message)))
    this.#resources.use(link.subscribe(subjects.query, (message) => this.#onQuery(message)))
    const onConnected = (): void => this.#beat()
    link.events.on('connected', onConnected)
    this.#resources.defer(() => void link.events.off('connected', onConnected))
    void this.#keepBeating()
    void this.#keepRemembering()
  }

  setSettings(settings: Settings): void {
    this.#handle({ kind: 'settings_changed', settings: toCore(settings) })
  }

  /** Who may take part. A node that is taken out is forgotten at once. */
  setNodes(nodes: readonly NodeRecord[]): void {
    const before = this.#nodes
    this.#nodes = new Map(nodes.map((node) => [node.id, node]))
    for (const id of before.keys()) if (!this.#nodes.has(id)) this.#forget(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#remember(this.#state.links)
    this.#stop.abort(new Error('this coordinator no longer leads'))
    this.#timer.cancel()
    this.#outbox[Symbol.dispose]()
    this.#resources.dispose()
  }

  #forget(node: NodeId): void {
    const keys = new Set([...this.#state.links.keys(), ...this.#state.past.keys()])
    const links = [...keys].map(endsOf).filter(({ a, b }) => a === node || b === node)
    this.#handle({ kind: 'node_removed', node })
    for (const { a, b } of links) this.#memory.forget(pairKey(a, b))
    this.#options.recorder.removed(node, links)
  }

  /** Has written down what is known of links, where it is news. */
  #remember(links: Iterable<readonly [string, LinkRecord]>): void {
    const { recorder, clock } = this.#options
    const known = [...links].filter(([, { ends }]) => ends.every((end) => this.#nodes.has(end)))
    recorder.records(this.#memory.news(known, clock.now()))
  }

  #noteLink(ends: LinkRecord['ends'], up: boolean): void {
    const { recorder, clock } = this.#options
    // The other end of a node that was taken out still has it among its peers.
    if (!ends.every((end) => this.#nodes.has(end))) return
    recorder.link(ends, up, clock.wallNow())
    const key = pairKey(...ends)
    const record = this.#state.links.get(key)
    if (record) this.#remember([[key, record]])
  }

  #onState({ subject, data, respond }: Incoming): void {
    this.counters.states++
    const { link } = this.#options
    const refuse = (problem: string): void => {
      link.refused.note(subject, problem)
      respond?.({ ...this.#announcement(), full: false, problem } satisfies StateAnswer)
    }
    const parsed = parseMessage(stateSchema, data)
    if (!parsed.ok) return refuse(parsed.problem)
    const { node } = parsed.value
    if (node !== subjects.nodeOf(subject)) return refuse('node: another than that of the subject')
    if (!this.#nodes.has(node)) return refuse('this node is not registered with the coordinator')
    this.#respond = respond
    this.#handle({ kind: 'state_received', state: parsed.value })
    this.#respond = undefined
  }

  #onQuery({ subject, data, respond }: Incoming): void {
    const parsed = parseMessage(querySchema, data, queryBytes)
    if (!parsed.ok) return this.#options.link.refused.note(subject, parsed.problem)
    // A large network's overview is larger than any message may be; text of this kind shrinks to a tenth.
    const packed = zstdCompressSync(JSON.stringify(this.overview(parsed.value.objective)))
    if (respond?.({ packed: packed.toString('base64') }) === false)
      respond({ problem: 'the overview is too large for one message' })
  }

  overview(objective?: number): ReturnType<typeof overviewOf> {
    const { name, clock, link } = this.#options
    const now = clock.now()
    const facts = { name, now, uptimeMs: Math.max(0, now - this.#begunAt), refused: link.refused.total }
    return overviewOf(this.#state, { ...facts, nodes: this.#nodes, counters: this.counters, objective })
  }

  #handle(event: WithoutTime): void {
    if (this.#stop.signal.aborted) return
    const { state, effects } = step(this.#state, { ...event, at: this.#options.clock.now() } as CoordinatorEvent)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: CoordinatorEffect): void {
    const { recorder, clock } = this.#options
    switch (effect.kind) {
      case 'answer_state':
        return this.#respond?.({ ...this.#announcement(), full: effect.full })
      case 'send_order':
        return this.#outbox.add(effect)
      case 'announce':
        return this.#beat()
      case 'tell_neighbours': {
        const { to, folder, neighbours } = effect
        this.#options.link.publish(subjects.plan(to), { epoch: this.#state.epoch, folder, neighbours })
        return
      }
      case 'plan_changed':
        return recorder.plan(effect.folder, this.#state.folders.get(effect.folder)?.plan, clock.wallNow())
      case 'link_changed':
        return this.#noteLink(effect.ends, effect.up)
      case 'order_failed':
        this.counters.failed++
        return this.#options.log.info(
          { event: 'order.failed', order: effect.id, folder: effect.folder, reason: effect.reason },
          'it is given again later',
        )
      case 'wake':
        return this.#timer.set(effect.at)
      default:
        return never(effect)
    }
  }

  #announcement(): Pick<StateAnswer, 'epoch' | 'mode'> {
    return { epoch: this.#state.epoch, mode: this.#state.settings.mode }
  }

  async #send({ to, peer, folder, id, expiresInMs }: Dispatch): Promise<void> {
    this.counters.sent++
    const order: Order = { epoch: this.#state.epoch, id, folder, peer, expiresInMs }
    const answer = await this.#options.link.request(subjects.order(to), order, { timeoutMs: answerMs })
    const about = { kind: 'order_answered', node: to, folder, peer, id } as const
    if (answer.kind !== 'answer')
      return this.#handle({ ...about, refusal: `the node cannot be asked (${answer.kind})` })
    const parsed = parseMessage(orderAnswerSchema, answer.data)
    if (!parsed.ok) this.#options.link.refused.note(`the answer of ${to.slice(0, 8)} to an order`, parsed.problem)
    const refusal = !parsed.ok
      ? parsed.problem
      : parsed.value.accepted
        ? undefined
        : (parsed.value.reason ?? parsed.value.code ?? 'refused')
    this.#handle({ ...about, refusal })
  }

  #beat(): void {
    if (!this.#stop.signal.aborted) this.#options.link.publish(subjects.beat, this.#announcement())
  }

  async #keepBeating(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      this.#beat()
      await this.#options.clock.sleep(beatMs, signal).catch(() => undefined)
    }
  }

  async #keepRemembering(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#options.clock.sleep(rememberMs, signal).catch(() => undefined)
      if (!signal.aborted) this.#remember(this.#state.links)
    }
  }

  /** Of all that is due later, only the earliest was waited for. */
  #scheduleNext(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const { orders } of this.#state.folders.values()) {
      for (const { dueAt } of orders.values()) earliest = Math.min(earliest, dueAt)
    }
    if (earliest < Number.POSITIVE_INFINITY) this.#timer.set(earliest)
  }
}

function toCore({ mode, objective, leafOnly }: Settings): CoordinatorState['settings'] {
  return { mode, objective, leafOnly: new Set(leafOnly) }
}

function endsOf(key: string): LinkEnds {
  const [a = '', b = ''] = key.split(' ') as NodeId[]
  return { a: a as NodeId, b: b as NodeId }
}

const answerMs = 5000
const rememberMs = 60_000
/** Less than the connection allows, which other requests share. */
const mostUnanswered = 200
