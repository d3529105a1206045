import { createHash } from 'node:crypto'
import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import type { Digest, FolderId, NodeId, ReplicaId } from '@spansync/common/core/causal/types'
import {
  type LinkFacts,
  type Order,
  type ReplicaFacts,
  type State,
  type StateAnswer,
  subjects,
} from '@spansync/common/protocol/coordination'

const answerMs = 10_000

interface FakeReplica {
  readonly folder: FolderId
  readonly replica: ReplicaId
  readonly peers: NodeId[]
  knowledge: Record<string, number>
  digest: Digest
  /** When the newest of its changes was told, ms; undefined: not yet. */
  toldAt: number | undefined
}

/** An agent as the coordinator sees it: it says how its replicas are, and obeys orders in no time. */
export class FakeAgent {
  readonly id: NodeId
  readonly name: string
  readonly links = new Map<NodeId, LinkFacts>()
  readonly replicas = new Map<FolderId, FakeReplica>()
  private readonly network: FakeNetwork
  private readonly changed = new Set<FolderId>()
  private finished: NonNullable<State['finished']> = []
  private seq = 0
  private needsAll = true
  private isTelling = false

  constructor(network: FakeNetwork, name: string) {
    this.network = network
    this.name = name
    this.id = createHash('sha256').update(name).digest('hex') as NodeId
  }

  hold(folder: FolderId): void {
    const replica = `${this.name}.0123456789` as ReplicaId
    const facts = { folder, replica, peers: [], knowledge: {}, digest: digestOf({}), toldAt: undefined }
    this.replicas.set(folder, facts)
  }

  /** A local change. */
  edit(folder: FolderId): void {
    const { replica, knowledge } = this.replicas.get(folder) as FakeReplica
    this.learn(folder, { [replica]: (knowledge[replica] ?? 0) + 1 })
  }

  learn(folder: FolderId, more: Readonly<Record<string, number>>): void {
    const replica = this.replicas.get(folder) as FakeReplica
    const news = Object.entries(more).filter(([key, count]) => count > (replica.knowledge[key] ?? 0))
    if (news.length === 0) return
    replica.knowledge = { ...replica.knowledge, ...Object.fromEntries(news) }
    replica.digest = digestOf(replica.knowledge)
    replica.toldAt = undefined
    this.changed.add(folder)
    this.tell()
  }

  obey({ id, folder, peer }: Order): void {
    const other = this.network.agents.get(peer) as FakeAgent
    const [here, there] = [this.replicas.get(folder), other.replicas.get(folder)]
    if (here === undefined || there === undefined) throw new Error(`an order for ${folder}, which is not held`)
    const toldAt = Math.max(here.toldAt ?? 0, there.toldAt ?? 0)
    if (toldAt > 0) this.network.latencies.push(performance.now() - toldAt)
    this.finished.push({ id, outcome: 'equal', reason: '' })
    const knowledge = here.knowledge
    this.learn(folder, there.knowledge)
    other.learn(folder, knowledge)
    this.tell()
  }

  /** One message at a time, as a real agent does. */
  tell(): void {
    if (this.isTelling || !this.network.isOpen) return
    this.isTelling = true
    this.tellAll().then(
      () => {
        this.isTelling = false
      },
      (error: unknown) => this.network.fail(error),
    )
  }

  private async tellAll(): Promise<void> {
    while (this.needsAll || this.changed.size > 0 || this.finished.length > 0) {
      const state = this.next()
      const answer = await this.network.linkOf(this).request(subjects.state(this.id), state, { timeoutMs: answerMs })
      if (answer.kind !== 'answer')
        throw new Error(`a state of ${this.name} is not answered: ${JSON.stringify(answer)}`)
      const { full, problem } = JSON.parse(new TextDecoder().decode(answer.data)) as StateAnswer
      if (problem !== undefined) throw new Error(`a state of ${this.name} is refused: ${problem}`)
      this.needsAll = full
    }
  }

  private next(): State {
    const full = this.needsAll
    const folders = full ? [...this.replicas.keys()] : [...this.changed]
    const replicas = folders.map((folder) => this.replicas.get(folder) as FakeReplica)
    const { finished } = this
    this.changed.clear()
    this.finished = []
    this.seq += 1
    this.network.states += 1
    for (const replica of replicas) replica.toldAt = performance.now()
    return {
      ...{ node: this.id, name: this.name, software: 'fake/0', run: 'only', seq: this.seq, full },
      mode: { configured: 'auto', effective: 'centralised' },
      ...(full && { links: [...this.links.values()] }),
      replicas: replicas.map(factsOf),
      orders: [],
      ...(finished.length > 0 && { finished }),
    }
  }
}

function factsOf({ folder, replica, knowledge, digest, peers }: FakeReplica): ReplicaFacts {
  return { folder, replica, state: 'open', knowledge, digest, scope: '', files: 1, bytes: 1, peers }
}

function digestOf(knowledge: Readonly<Record<string, number>>): Digest {
  const text = JSON.stringify(Object.entries(knowledge).sort())
  return createHash('md5').update(text).digest('hex') as Digest
}

/** Agents that share few connections, each with a coordinator's permissions: a thousand with TLS would cost this process more than the
 *  coordinator that is measured, on the same cores; what the coordinator receives and sends is the same. */
export class FakeNetwork {
  readonly agents = new Map<NodeId, FakeAgent>()
  /** Ms from a state's request to the arrival of the order that it led to. */
  readonly latencies: number[] = []
  states = 0
  orders = 0
  isOpen = false
  /** What has gone wrong first. */
  readonly failed = Promise.withResolvers<never>()
  private readonly connections: readonly NatsLink[]

  constructor(connections: readonly NatsLink[]) {
    this.connections = connections
    this.failed.promise.catch(() => undefined)
  }

  add(name: string): FakeAgent {
    const agent = new FakeAgent(this, name)
    this.agents.set(agent.id, agent)
    return agent
  }

  /** All agents begin to talk. */
  open(): void {
    this.isOpen = true
    this.connections[0]?.subscribe(subjects.order('*' as NodeId), ({ subject, data, respond }) => {
      this.orders += 1
      const order = JSON.parse(new TextDecoder().decode(data)) as Order
      respond?.({ id: order.id, accepted: true })
      this.agents.get(subjects.nodeOf(subject) as NodeId)?.obey(order)
    })
    for (const agent of this.agents.values()) agent.tell()
  }

  linkOf({ name }: FakeAgent): NatsLink {
    const link = this.connections[Number(/\d+/.exec(name)?.[0]) % this.connections.length]
    if (link === undefined) throw new Error('no connection')
    return link
  }

  fail(error: unknown): void {
    this.failed.reject(error)
  }

  /** Replicas that differ from the first one of their folder. */
  differing(): number {
    const first = new Map<FolderId, Digest>()
    let count = 0
    for (const { replicas } of this.agents.values()) {
      for (const { folder, digest } of replicas.values()) {
        const other = first.get(folder)
        if (other === undefined) first.set(folder, digest)
        else if (other !== digest) count += 1
      }
    }
    return count
  }
}
