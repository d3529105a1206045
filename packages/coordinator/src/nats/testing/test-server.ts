import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Credentials, createCredentials, publicKeyOf } from '@spansync/common/adapters/nats/credentials'
import type { LinkTiming } from '@spansync/common/adapters/nats/link-options'
import { createNatsLink, type NatsLink } from '@spansync/common/adapters/nats/nats-link'
import type { NodeId } from '@spansync/common/core/causal/types'
import { systemClock } from '@spansync/common/runtime/clock'
import { type Logger, silentLogger } from '@spansync/common/runtime/logger'
import { freePort } from '@spansync/common/testing/free-port'
import { NatsServer } from '../nats-server.ts'
import type { NatsUsers } from '../server-config.ts'

/** Quick where a person would wait, so that tests need not. A server on a busy machine may be silent for some time all the same. */
export const quickTiming: Partial<LinkTiming> = {
  firstMs: 50,
  longestAtFirstMs: 200,
  hopelessMs: 200,
  openTimeoutMs: 10_000,
  probeMs: 3000,
}

export interface TestServerOptions {
  /** Names of the nodes that the server knows from the start. */
  readonly nodes?: readonly string[]
  readonly log?: Logger
  /** Default: a fresh one, removed at the end. */
  readonly directory?: string
  readonly port?: number
  readonly certificateHosts?: readonly string[]
}

export interface TestServer extends AsyncDisposable {
  readonly server: NatsServer
  readonly directory: string
  readonly port: number
  readonly url: string
  /** Of the coordinator, or of a node; made at the first call, so a node beyond `nodes` has a key that the server does not know. */
  credentials(name: string): Credentials
  /** The coordinator and these nodes. */
  users(nodes: readonly string[]): NatsUsers
  /** Started; ends with the server. */
  link(
    name: string,
    changes?: {
      readonly url?: string
      readonly credentials?: Credentials
      readonly log?: Logger
      readonly timing?: Partial<LinkTiming>
    },
  ): NatsLink
}

/** A real nats-server on a free port of the loopback interface, with TLS, keys and permissions, as the coordinator runs it. Throws
 *  what NatsServer.start throws. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { nodes = [], log = silentLogger } = options
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'spansync-nats-')))
  const port = options.port ?? (await freePort())
  const links: NatsLink[] = []
  const known = new Map<string, Credentials>()
  const credentials = (name: string): Credentials => {
    const found = known.get(name) ?? credentialsFor(name)
    known.set(name, found)
    return { ...found, server: server.certificate }
  }
  const users = (names: readonly string[]): NatsUsers => ({
    coordinators: [publicKeyOf(credentials('coordinator'))],
    nodes: names.map((name) => ({ id: nodeIdOf(name), name, nkey: publicKeyOf(credentials(name)) })),
  })
  const link: TestServer['link'] = (name, changes) => {
    const timing = quickTiming
    const base = { url: server.url, credentials: credentials(name), clock: systemClock, log, timing }
    const made = createNatsLink({ ...base, ...changes })
    links.push(made)
    made.start()
    return made
  }
  const server: NatsServer = new NatsServer({
    directory: join(directory, 'nats'),
    host: '127.0.0.1',
    port,
    certificateHosts: options.certificateHosts ?? ['localhost', '127.0.0.1'],
    get users() {
      return users(nodes)
    },
    clock: systemClock,
    log,
  })
  await server.start()
  const dispose = async (): Promise<void> => {
    await Promise.all(links.map((made) => made[Symbol.asyncDispose]()))
    await server[Symbol.asyncDispose]()
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
  }
  const { url } = server
  return { server, directory, port, url, credentials, users, link, [Symbol.asyncDispose]: dispose }
}

/** An id that is the same for one name everywhere. */
export function nodeIdOf(name: string): NodeId {
  return createHash('sha256').update(name).digest('hex') as NodeId
}

function credentialsFor(name: string): Credentials {
  return createCredentials({ node: name === 'coordinator' ? name : nodeIdOf(name), name, server: null })
}
