import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { holdExclusively } from '@spansync/common/adapters/exclusive'
import { type Credentials, publicKeyOf, readCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink } from '@spansync/common/adapters/nats/nats-link'
import { parseHostPort } from '@spansync/common/config/values'
import { systemClock } from '@spansync/common/runtime/clock'
import type { Logger } from '@spansync/common/runtime/logger'
import { credentialsFile, natsDirectory, natsUrlOf, storeUrlOf } from '../config/load.ts'
import { type CoordinatorConfig, hostsOf } from '../config/schema.ts'
import { NatsServer } from '../nats/nats-server.ts'
import type { NatsUsers } from '../nats/server-config.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { Coordinator } from './coordinator.ts'
import { CoordinatorRunsError } from './errors.ts'

export interface DaemonOptions {
  readonly home: string
  readonly config: CoordinatorConfig
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Runs until disposed: the store, the NATS server when it is an own one, and leading whenever the lease allows. Throws
 *  CoordinatorRunsError, and what opening the store and starting nats-server throw. */
export async function startCoordinator({ home, config, log, signal }: DaemonOptions): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const held = holdExclusively(join(home, 'coordinator.lock'))
  if (held === undefined) throw new CoordinatorRunsError(home)
  stack.use(held)
  const clock = systemClock
  const store = stack.use(await openStore(storeUrlOf(home, config), { clock }, signal))
  const own = await readCredentials(credentialsFile(home))
  const users = (): Promise<NatsUsers> => usersOf(own, store)
  const natsLog = log.child({ component: 'nats' })
  const server =
    config.nats === undefined ? makeServer({ home, config, log: natsLog, users: await users() }) : undefined
  if (server) stack.use(server)
  await server?.start(signal)
  const link = stack.use(createNatsLink({ url: natsUrlOf(config), credentials: own, clock, log: natsLog }))
  const holder = `${config.name}-${randomBytes(6).toString('hex')}`
  const coordinator = stack.use(new Coordinator({ name: config.name, holder, store, link, server, users, clock, log }))
  coordinator.start()
  link.start()
  const owned = stack.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type ServerOptions = Pick<DaemonOptions, 'home' | 'config' | 'log'> & { readonly users: NatsUsers }

function makeServer({ home, config, log, users }: ServerOptions): NatsServer {
  const { host, port } = parseHostPort(config.listen) ?? { host: '0.0.0.0', port: 0 }
  const places = { directory: natsDirectory(home), certificateHosts: hostsOf(config) }
  return new NatsServer({ ...places, host, port, users, clock: systemClock, log })
}

/** Who may speak over NATS: the coordinator and every registered node. */
async function usersOf(own: Credentials, store: Store): Promise<NatsUsers> {
  const nodes = await store.nodes.list()
  return { coordinators: [publicKeyOf(own)], nodes: nodes.map(({ id, name, nkey }) => ({ id, name, nkey })) }
}
