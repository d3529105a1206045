import { patience } from '@spansync/common/testing/patience'
import { type RedisServer, type RedisServerOptions, startRedisServer } from '@spansync/common/testing/redis-server'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { openRedisStore, type RedisStoreOptions } from '../redis-store.ts'
import type { Store } from '../store.ts'

// All of these end with the test.

/** For `vi.waitFor`. */
export const soon = { ...patience, interval: 10 }

export async function serve(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

export async function open(url: string, options: RedisStoreOptions = {}): Promise<Store> {
  const store = await openRedisStore(url, options)
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

export async function admin(url: string): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  onTestFinished(() => redis.disconnect())
  await redis.connect()
  return redis
}
