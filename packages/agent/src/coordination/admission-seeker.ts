import { rm } from 'node:fs/promises'
import { type Credentials, readCredentials, writeCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink } from '@spansync/common/adapters/nats/nats-link'
import { parseMessage } from '@spansync/common/adapters/nats/parse-message'
import type { Clock, Link } from '@spansync/common/ports'
import { subjects } from '@spansync/common/protocol/coordination'
import { type EnrolAnswer, type Enrolment, enrolAnswerSchema } from '@spansync/common/protocol/enrolment'
import { type Logger, silentLogger } from '@spansync/common/runtime/logger'
import type { Identity } from '../transport/identity.ts'
import { enrolmentFor, formerCredentialsFile } from './own-credentials.ts'

export interface AdmissionSeekerOptions {
  readonly url: string
  readonly file: string
  /** Made by this node, and pending. */
  readonly credentials: Credentials
  readonly identity: Identity
  readonly links: () => Iterable<Link>
  readonly clock: Clock
  readonly log: Logger
  /** The coordinator has let this node in: it can be tried at once. */
  readonly admitted: () => void
}

/** A coordinator or the peers that reach it may be away. */
const askAgainMs = 30_000
/** A person has to change their mind. */
const askRefuserMs = 600_000
/** The coordinator tells its NATS server after it has answered. */
const knockMs = 500
const knocks = 20
const answerMs = 10_000

/** Asks the coordinator to let this node in with the key that it has made: through every peer that is connected, and, where the node has
 *  got a new key, with its former credentials, until it is. */
export class AdmissionSeeker implements AsyncDisposable {
  readonly #options: AdmissionSeekerOptions
  readonly #stop = new AbortController()
  #asked = new WeakSet<Link>()
  #running: Promise<void> = Promise.resolve()
  #knocking: Promise<void> | undefined
  /** Of the last refusal; a peer that only does not reach the coordinator does not undo it. */
  #reason: string | undefined

  constructor(options: AdmissionSeekerOptions) {
    this.#options = options
  }

  /** Not in yet. */
  get isSeeking(): boolean {
    return !this.#stop.signal.aborted
  }

  /** Why the coordinator does not want it. */
  get reason(): string | undefined {
    return this.#reason
  }

  start(): void {
    this.#running = this.#run()
  }

  /** There may be new links. */
  linksChanged(): void {
    if (this.#stop.signal.aborted) return
    const { links } = this.#options
    const fresh = [...links()].filter((link) => !this.#asked.has(link))
    if (fresh.length === 0) return
    const enrolment = this.#enrolment()
    for (const link of fresh) {
      this.#asked.add(link)
      link.send({ type: 'enrol', enrolment })
    }
  }

  /** What a peer, or the coordinator itself, has answered. */
  heard({ outcome, reason }: EnrolAnswer): void {
    const { log } = this.#options
    if (this.#stop.signal.aborted || outcome === 'away') return
    if (outcome === 'enrolled') {
      this.#reason = undefined
      this.#knocking ??= this.#knock().finally(() => {
        this.#knocking = undefined
      })
      return
    }
    if (this.#reason === reason) return
    this.#reason = reason
    log.warn({ event: 'enrol.refused', reason }, 'on the coordinator: spansync-coordinator nodes add')
  }

  /** It is in: the file says so from now on. */
  async settle(): Promise<void> {
    const { file, credentials, log } = this.#options
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new Error('admitted'))
    try {
      await writeCredentials(file, { ...credentials, pending: false })
      await rm(formerCredentialsFile(file), { force: true })
    } catch (error) {
      log.warn({ event: 'enrol.not_noted', file, err: error }, 'it is noted at the next start')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    await Promise.all([this.#running, this.#knocking])
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      this.#asked = new WeakSet()
      this.linksChanged()
      await this.#askDirectly(signal).catch((error: unknown) => log.debug({ event: 'enrol.not_asked', err: error }))
      await clock.sleep(this.#reason === undefined ? askAgainMs : askRefuserMs, signal).catch(() => undefined)
    }
  }

  async #knock(): Promise<void> {
    const { clock, admitted } = this.#options
    const { signal } = this.#stop
    for (let count = 0; count < knocks && !signal.aborted; count++) {
      admitted()
      await clock.sleep(knockMs, signal).catch(() => undefined)
    }
  }

  #enrolment(): Enrolment {
    const { identity, credentials, clock } = this.#options
    return enrolmentFor(identity, credentials, clock.wallNow())
  }

  async #askDirectly(signal: AbortSignal): Promise<void> {
    const { url, file, clock } = this.#options
    const former = await readCredentials(formerCredentialsFile(file)).catch(() => undefined)
    if (former === undefined || former.node === 'coordinator') return
    await using link = createNatsLink({ url, credentials: former, clock, log: silentLogger })
    link.start()
    await link.whenConnected(AbortSignal.any([signal, AbortSignal.timeout(answerMs)]))
    const answer = await link.request(subjects.enrol(former.node), this.#enrolment(), { timeoutMs: answerMs }, signal)
    const parsed = answer.kind === 'answer' ? parseMessage(enrolAnswerSchema, answer.data) : undefined
    if (parsed?.ok) this.heard(parsed.value)
    // Its former key may have become worthless before the answer came.
    else if (answer.kind === 'disconnected') this.heard({ outcome: 'enrolled', reason: '' })
  }
}
