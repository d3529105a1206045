import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import { parseMessage } from '@spansync/common/adapters/nats/parse-message'
import type { Incoming } from '@spansync/common/adapters/nats/subscriptions'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { subjects } from '@spansync/common/protocol/coordination'
import { type EnrolAnswer, type Enrolment, enrolmentSchema } from '@spansync/common/protocol/enrolment'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Epoch, Store } from '../store/store.ts'
import { updateSettings } from '../store/update-settings.ts'
import { judgeEnrolment } from './judge-enrolment.ts'

export interface EnrollerOptions {
  readonly store: Pick<Store, 'nodes' | 'settings'>
  readonly epoch: Epoch
  readonly link: NatsLink
  readonly clock: Clock
  readonly log: Logger
  /** The nodes have changed: resolves when the NATS server knows them. */
  readonly changed: () => Promise<void>
  /** Somebody else runs the NATS server: a person has to tell it of new keys. */
  readonly isForeign: boolean
}

/** More do not wait. */
const mostWaiting = 100
/** So many refusals are remembered, so that each is told of once; then all are told of anew. */
const mostTold = 1000

/** Lets nodes in for which a member asks, so that nobody has to bring files with keys from one machine to another. */
export class Enroller implements AsyncDisposable {
  readonly #options: EnrollerOptions
  #subscription: Disposable | undefined
  /** One after the other: each builds on the nodes that the one before has left. */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  /** The last answer, by who brings whom. */
  readonly #told = new Map<string, string>()

  constructor(options: EnrollerOptions) {
    this.#options = options
  }

  start(): void {
    this.#subscription = this.#options.link.subscribe(subjects.enrol('*'), (message) => this.#onEnrol(message))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription?.[Symbol.dispose]()
    await this.#last
  }

  #onEnrol({ subject, data, respond }: Incoming): void {
    const by = subjects.nodeOf(subject)
    const parsed = parseMessage(enrolmentSchema, data)
    if (!parsed.ok || by === undefined) {
      this.#options.link.refused.note(subject, parsed.ok ? 'no node' : parsed.problem)
      respond?.({ outcome: 'refused', reason: 'it is malformed' } satisfies EnrolAnswer)
      return
    }
    if (this.#waiting >= mostWaiting) {
      respond?.({ outcome: 'away', reason: 'too many wait already' } satisfies EnrolAnswer)
      return
    }
    this.#waiting++
    this.#last = this.#last.then(async () => {
      const answer = await this.#answer(by, parsed.value)
      this.#waiting--
      // First, for a server that reads its users anew forgets who may be answered.
      respond?.(answer)
      if (answer.outcome === 'enrolled') await this.#tellServer()
    })
  }

  async #answer(by: NodeId, enrolment: Enrolment): Promise<EnrolAnswer> {
    const { log } = this.#options
    try {
      return await this.#enrol(by, enrolment)
    } catch (error) {
      log.error({ event: 'enrol.failed', by, err: error }, 'it is asked for again')
      return { outcome: 'away', reason: messageOf(error).slice(0, 1000) }
    }
  }

  async #enrol(by: NodeId, enrolment: Enrolment): Promise<EnrolAnswer> {
    const { store, epoch, clock, log, isForeign } = this.#options
    const nodes = await store.nodes.list()
    const removed = await store.nodes.removed()
    const judgement = judgeEnrolment({ by, enrolment, nodes, removed, now: clock.wallNow() })
    if (judgement.kind === 'refused') {
      const { reason } = judgement
      if (this.#isNews(by, enrolment, reason)) {
        const remedy = 'if it is yours: spansync-coordinator nodes add'
        log.warn({ event: 'enrol.refused', by, name: enrolment.name, reason }, remedy)
      }
      return { outcome: 'refused', reason }
    }
    this.#told.delete(keyOf(by, enrolment))
    const { kind, record, replaces } = judgement
    if (kind === 'put') await store.nodes.put(record, epoch)
    await this.#carryOver(record.id, replaces)
    // Last of all: until then the former ids show what is still to be done.
    for (const id of replaces) await store.nodes.remove(id, epoch)
    if (kind === 'put' || replaces.length > 0) {
      const remedy = isForeign
        ? 'print `spansync-coordinator nats-config` anew, and reload the NATS server with it: until then it is not let in'
        : `${record.name} takes part`
      log.info({ event: 'enrol.accepted', by, id: record.id, name: record.name, replaces }, remedy)
    }
    return { outcome: 'enrolled', reason: '' }
  }

  /** It is asked for again and again. */
  #isNews(by: NodeId, enrolment: Enrolment, reason: string): boolean {
    const key = keyOf(by, enrolment)
    if (this.#told.get(key) === reason) return false
    if (this.#told.size >= mostTold) this.#told.clear()
    this.#told.set(key, reason)
    return true
  }

  async #tellServer(): Promise<void> {
    const { changed, log } = this.#options
    await changed().catch((error: unknown) => {
      log.warn({ event: 'enrol.server_not_told', err: error }, 'it is told again in a moment')
    })
  }

  /** What people have decided for the node under its former ids. */
  async #carryOver(id: NodeId, replaces: readonly NodeId[]): Promise<void> {
    const { store, epoch } = this.#options
    if (replaces.length === 0) return
    const { settings } = await store.settings.read()
    if (!settings.leafOnly.some((leaf) => replaces.includes(leaf))) return
    await updateSettings({
      store: store.settings,
      by: epoch,
      change: (before) => {
        const others = before.leafOnly.filter((leaf) => leaf !== id && !replaces.includes(leaf))
        return { ...before, leafOnly: [...others, id] }
      },
    })
  }
}

function keyOf(by: NodeId, { name, nkey }: Enrolment): string {
  return `${by} ${name} ${nkey}`
}
