/// <reference lib="esnext.disposable" />
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { publicKeyOf, readCredentials } from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { RedisServer } from '@spansync/common/testing/redis-server'
import { findNatsServer } from '@spansync/coordinator/nats/find-program'
import type { NatsUsers } from '@spansync/coordinator/nats/server-config'
import { type ServerFiles, serverFiles, writeServerFiles } from '@spansync/coordinator/nats/server-files'
import { untilFollowed } from './coordinate.ts'
import { CoordinatorNode } from './coordinator-node.ts'
import type { Fleet } from './fleet.ts'
import type { LabNode, LabProcess } from './lab-node.ts'
import type { ManagementNet } from './management.ts'
import { until } from './until.ts'

const redisPort = 6379
const natsPort = 22071

/** A nats-server that no coordinator runs, with the configuration that a person would give it. */
export class NatsNode {
  readonly machine: LabNode
  readonly files: ServerFiles
  private readonly network: ManagementNet
  private server: LabProcess | undefined

  constructor(network: ManagementNet) {
    this.network = network
    this.machine = network.hub
    this.files = serverFiles(join(this.machine.directory, 'nats'))
  }

  get alive(): boolean {
    return this.server?.alive ?? false
  }

  get url(): string {
    return `tls://127.0.0.1:${natsPort}`
  }

  /** Answers the file with its certificate. */
  async configure(users: NatsUsers): Promise<string> {
    mkdirSync(this.files.directory, { recursive: true })
    const place = { host: '0.0.0.0', port: natsPort, certificateHosts: this.network.addresses }
    return (await writeServerFiles(this.files, { ...place, users })).certificate.certFile
  }

  async start(): Promise<void> {
    const server = this.machine.spawn([await findNatsServer(), '-c', this.files.configFile], { logName: 'nats-server' })
    this.server = server
    await until(() => server.output().includes('Server is ready'), {
      ...{ deadlineMs: 10_000, what: () => `nats-server takes connections\n${server.output()}` },
    })
  }

  async crash(): Promise<void> {
    await this.server?.killTree()
  }
}

/** Two coordinators on one node that share one Redis and one NATS server, all of them there: one leads, one stands by. */
export class CoordinatorPair implements AsyncDisposable {
  readonly coordinators: readonly [CoordinatorNode, CoordinatorNode]
  readonly redis: RedisServer
  readonly nats: NatsNode
  private readonly stack: AsyncDisposableStack

  private constructor(made: Pick<CoordinatorPair, 'coordinators' | 'redis' | 'nats'>, stack: AsyncDisposableStack) {
    this.coordinators = made.coordinators
    this.redis = made.redis
    this.nats = made.nats
    this.stack = stack
  }

  /** All agents of the fleet follow when this returns. */
  static async create(fleet: Fleet, hub: string): Promise<CoordinatorPair> {
    await using stack = new AsyncDisposableStack()
    const network = await fleet.lab.manage(hub)
    const wrapper = network.hub.namespace.prefix
    // What people have decided outlives a crash only when every write reaches the disk.
    const durable = { appendOnly: true, args: ['--appendfsync', 'always'] }
    const redis = stack.use(new RedisServer({ port: redisPort, wrapper, ...durable }, redisPort))
    await redis.start()
    const nats = new NatsNode(network)
    const certFile = await nats.configure({ coordinators: [], nodes: [] })
    const shared = { nats: { url: nats.url, certFile }, store: redis.url, port: natsPort }
    const make = (instance: string): CoordinatorNode => stack.use(new CoordinatorNode(network, { instance, ...shared }))
    const coordinators = [make('first'), make('second')] as const
    await Promise.all(coordinators.map((coordinator) => coordinator.init()))
    await nats.configure(await usersOf(fleet, coordinators))
    await nats.start()
    stack.defer(() => nats.crash())
    await Promise.all(coordinators.map((coordinator) => coordinator.start()))
    for (const agent of fleet.agents) {
      const file = join(agent.home, 'coordinator.creds')
      await agent.command(['coordinator', 'set', coordinators[0].urlFor(agent.name), '--creds', file])
    }
    await untilFollowed(fleet, coordinators[0])
    return new CoordinatorPair({ coordinators, redis, nats }, stack.move())
  }

  /** Whichever leads, as the other one. Waits until one does. */
  async leader(): Promise<{
    readonly leader: CoordinatorNode
    readonly other: CoordinatorNode
    readonly epoch: number
  }> {
    const [first, second] = this.coordinators
    const { coordinator, epoch } = await first.leads()
    return coordinator === first.name
      ? { leader: first, other: second, epoch }
      : { leader: second, other: first, epoch }
  }

  /** Everything runs again, whatever a test has left. */
  async mend(): Promise<void> {
    this.redis.resume()
    if (!this.nats.alive) await this.nats.start()
    for (const coordinator of this.coordinators) {
      coordinator.resume()
      if (!coordinator.alive) await coordinator.start()
    }
  }

  logTails(): string {
    return this.coordinators.map((coordinator) => coordinator.logTails()).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]()
  }
}

/** Registers the agents, and answers whom the NATS server has to know. */
async function usersOf(fleet: Fleet, coordinators: readonly CoordinatorNode[]): Promise<NatsUsers> {
  const [first] = coordinators
  const keyIn = async (file: string): Promise<string> => publicKeyOf(await readCredentials(file))
  const keys = await Promise.all(coordinators.map(({ credentialsFile }) => keyIn(credentialsFile)))
  const nodes = fleet.agents.map(async (agent) => {
    const file = (await first?.addNode(agent, 'coordinator.creds')) ?? ''
    return { id: (await agent.id()) as NodeId, name: agent.name, nkey: await keyIn(file) }
  })
  return { coordinators: keys, nodes: await Promise.all(nodes) }
}
