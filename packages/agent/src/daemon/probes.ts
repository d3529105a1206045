import { randomBytes } from 'node:crypto'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { MessageOf } from '@spansync/common/protocol/messages'
import type { Network } from './network.ts'

export type ReplicaState = MessageOf<'probe_reply'>['replicas'][number]

interface Wave {
  readonly id: string
  readonly open: Set<NodeId>
  readonly found: ReplicaState[]
  readonly done: (replicas: ReplicaState[]) => void
  readonly timer: AbortController
}

/** Asks every replica that can be reached, over however many hops, what it holds: an echo wave (Chang 1982). Each node passes the
 *  question on to its other peers once and answers when they all have; a peer that asks in the middle of a wave gets an empty
 *  answer, which is what ends the wave in a ring. */
export class Probes {
  readonly #network: Network
  readonly #waves = new Map<string, Wave>()
  readonly #seen = new Map<string, number>()

  constructor(network: Network) {
    this.#network = network
  }

  /** All replicas but this one. A peer that does not answer in time counts as one that is at work, with `noAnswer` as its error; what
   *  is behind it is not known. */
  ask(folder: FolderId, timeoutMs: number): Promise<ReplicaState[]> {
    return this.#spread(folder, randomBytes(8).toString('hex'), undefined, timeoutMs)
  }

  onProbe(from: NodeId, { folder, id, timeoutMs }: MessageOf<'probe'>): void {
    const reply = (replicas: ReplicaState[]): void => {
      this.#network.links.get(from)?.send({ type: 'probe_reply', id, replicas })
    }
    if (this.#seen.has(id)) return reply([])
    void this.#spread(folder, id, from, Math.max(0, timeoutMs - hopMs)).then((others) => {
      const own = this.own(folder)
      reply(own ? [own, ...others] : others)
    })
  }

  onReply(from: NodeId, { id, replicas }: MessageOf<'probe_reply'>): void {
    const wave = this.#waves.get(id)
    if (!wave?.open.delete(from)) return
    for (const replica of replicas) wave.found.push(replica)
    this.#finish(wave)
  }

  linkDown(peer: NodeId): void {
    for (const wave of this.#waves.values()) if (wave.open.delete(peer)) this.#finish(wave)
  }

  own(folder: FolderId): ReplicaState | undefined {
    const host = this.#network.hosts.get(folder)
    if (!host) return undefined
    const engine = host.engine
    if (!engine)
      return {
        replica: this.#network.config.name as ReplicaState['replica'],
        digest: none,
        scope: '',
        knowledge: {},
        busy: true,
        error: (host.stopped?.message ?? 'opening').slice(0, 500),
      }
    const { replica, digest, knowledge } = engine.index.meta()
    const { scope } = engine.state
    return {
      replica,
      digest,
      scope,
      knowledge,
      busy: engine.isBusy || host.isScanning,
      error: (host.stopped ?? host.waiting[0])?.message.slice(0, 500) ?? '',
    }
  }

  #spread(folder: FolderId, id: string, from: NodeId | undefined, timeoutMs: number): Promise<ReplicaState[]> {
    const { clock } = this.#network.options
    this.#remember(id, clock.now())
    const links = [...(this.#network.hosts.get(folder)?.links.values() ?? [])].filter(({ peer }) => peer !== from)
    if (links.length === 0) return Promise.resolve([])
    const { promise, resolve } = Promise.withResolvers<ReplicaState[]>()
    const timer = new AbortController()
    const wave: Wave = { id, open: new Set(links.map(({ peer }) => peer)), found: [], done: resolve, timer }
    this.#waves.set(id, wave)
    clock.sleep(timeoutMs, timer.signal).then(
      () => {
        for (const peer of wave.open) wave.found.push(this.#silent(peer))
        wave.open.clear()
        this.#finish(wave)
      },
      () => undefined,
    )
    for (const link of links) link.send({ type: 'probe', folder, id, timeoutMs })
    return promise
  }

  #silent(peer: NodeId): ReplicaState {
    const name = this.#network.nameOf(peer) ?? peer.slice(0, 8)
    const nothing = { digest: none, scope: '', knowledge: {} }
    return { replica: name as ReplicaState['replica'], ...nothing, busy: true, error: noAnswer }
  }

  #finish(wave: Wave): void {
    if (wave.open.size > 0) return
    wave.timer.abort()
    this.#waves.delete(wave.id)
    wave.done(wave.found)
  }

  #remember(id: string, now: number): void {
    this.#seen.set(id, now)
    for (const [old, at] of this.#seen) if (now - at > rememberMs) this.#seen.delete(old)
  }
}

/** Why nothing is known of a replica. */
export const noAnswer = 'it did not answer in time'

const hopMs = 50
const rememberMs = 3_600_000
const none = '0'.repeat(32) as ReplicaState['digest']
