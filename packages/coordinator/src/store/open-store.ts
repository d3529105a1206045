import { resolve } from 'node:path'
import type { Clock } from '@spansync/common/ports'
import { systemClock } from '@spansync/common/runtime/clock'
import { StoreUrlError } from './errors.ts'
import { withoutPassword } from './redis/redis-url.ts'
import { openRedisStore, type RedisStoreOptions } from './redis-store.ts'
import { openSqliteStore } from './sqlite-store.ts'
import type { Store } from './store.ts'

export interface OpenStoreOptions extends RedisStoreOptions {
  /** Of the SQLite store; Redis goes by the server's. Default: the system's. */
  readonly clock?: Clock
}

/** Opens `sqlite:PATH`, `redis://…` or `rediss://…`. Throws StoreUrlError for anything else, and what the two may throw. */
export async function openStore(url: string, options: OpenStoreOptions = {}, signal?: AbortSignal): Promise<Store> {
  const scheme = /^[a-z]+(?=:)/.exec(url)?.[0]
  switch (scheme) {
    case 'sqlite':
      return openSqliteStore(toPath(url), { clock: options.clock ?? systemClock })
    case 'redis':
    case 'rediss':
      return openRedisStore(url, options, signal)
    default:
      throw new StoreUrlError(`${withoutPassword(url) || 'an empty text'} is not the URL of a store`)
  }
}

function toPath(url: string): string {
  // Three slashes, as in other URLs, are an absolute path too.
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  if (path === '' || path.startsWith('//')) throw new StoreUrlError(`${url} names no file`)
  // SQLite would keep everything in memory.
  if (path === ':memory:' || path.startsWith('file:')) {
    throw new StoreUrlError(`${url}: the store has to outlive the program, so it has to be a file's path`)
  }
  return resolve(path)
}
