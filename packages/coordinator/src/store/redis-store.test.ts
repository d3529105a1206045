import { type RedisServer, startRedisServer } from '@spansync/common/testing/redis-server'
import { afterAll, beforeAll, describe } from 'vitest'
import { openRedisStore } from './redis-store.ts'
import { runStoreContract } from './testing/store-contract.ts'

let server: RedisServer
let networks = 0

beforeAll(async () => {
  server = await startRedisServer()
})

afterAll(() => server[Symbol.asyncDispose]())

describe('RedisStore', () => {
  runStoreContract(() => {
    const network = `network ${networks++}`
    return () => openRedisStore(server.url, { network })
  })
})
