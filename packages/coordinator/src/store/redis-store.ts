import { type Logger, silentLogger } from '@spansync/common/runtime/logger'
import { StoreDamagedError, StoreTooNewError } from './errors.ts'
import { RedisConnection } from './redis/redis-connection.ts'
import { RedisLease } from './redis/redis-lease.ts'
import { RedisLinks } from './redis/redis-links.ts'
import { RedisNodes } from './redis/redis-nodes.ts'
import { RedisPlans } from './redis/redis-plans.ts'
import { RedisReports } from './redis/redis-reports.ts'
import { RedisSettings } from './redis/redis-settings.ts'
import { RedisStates } from './redis/redis-states.ts'
import { parseRedisUrl, withoutPassword } from './redis/redis-url.ts'
import type { Store } from './store.ts'

export interface RedisStoreOptions {
  /** Several networks may share a server. Default `default`. */
  readonly network?: string
  /** How long the first connection may take. Default 5000. */
  readonly connectWithinMs?: number
  /** A server that says nothing for so long is taken for gone, and connected to anew. Default 3000. */
  readonly replyTimeoutMs?: number
  readonly log?: Logger
}

/** How the keys are laid out. */
const layoutVersion = 1

/** Connects to the Redis server. From then on the connection comes back by itself; while it is away everything throws
 *  StoreUnreachableError at once. Throws StoreUrlError, StoreUnreachableError, StoreAccessError, StoreTooNewError. */
export async function openRedisStore(
  url: string,
  options: RedisStoreOptions = {},
  signal?: AbortSignal,
): Promise<Store> {
  const { network = 'default', connectWithinMs = 5000, replyTimeoutMs = 3000, log = silentLogger } = options
  const location = withoutPassword(url)
  const connection = new RedisConnection({ address: parseRedisUrl(url), location, network, replyTimeoutMs, log })
  try {
    await connection.connect(connectWithinMs, signal)
    await checkLayout(connection, signal)
    await warnWhenForgetful(connection, log, signal)
  } catch (error) {
    connection.close()
    throw error
  }
  return {
    location,
    lease: new RedisLease(connection),
    nodes: new RedisNodes(connection),
    settings: new RedisSettings(connection),
    states: new RedisStates(connection),
    links: new RedisLinks(connection),
    reports: new RedisReports(connection),
    plans: new RedisPlans(connection),
    [Symbol.asyncDispose]: async () => connection.close(),
  }
}

async function checkLayout(connection: RedisConnection, signal?: AbortSignal): Promise<void> {
  const key = connection.key('layout')
  const found = await connection.run(signal, async (redis) => {
    await redis.setnx(key, layoutVersion)
    return redis.get(key)
  })
  const version = Number(found)
  if (!Number.isInteger(version)) {
    throw new StoreDamagedError(connection.location, new Error(`${key} is ${found}, not a version`))
  }
  if (version > layoutVersion) throw new StoreTooNewError(connection.location, version, layoutVersion)
}

/** Registrations in a server that forgets everything with its next restart are worth a word. */
async function warnWhenForgetful(connection: RedisConnection, log: Logger, signal?: AbortSignal): Promise<void> {
  const persistence = await connection.run(signal, (redis) => redis.info('persistence')).catch(() => '')
  if (!persistence.includes('aof_enabled:0')) return
  log.warn(
    { event: 'store.not_durable', store: connection.location },
    'set appendonly yes in the configuration of the Redis server: without it a crash of the server takes registrations and settings',
  )
}
