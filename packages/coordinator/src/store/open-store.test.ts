import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@spansync/common/testing/redis-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from './open-store.ts'
import { parseRedisUrl, withoutPassword } from './redis/redis-url.ts'
import { lead } from './testing/samples.ts'

describe('openStore', () => {
  it.each(['sqlite:', 'sqlite://'])('opens %sPATH', async (scheme) => {
    const directory = mkdtempSync(join(tmpdir(), 'spansync-store-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    await using store = await openStore(`${scheme}${directory}/store.sqlite`)
    expect(store.location).toBe(`sqlite:${directory}/store.sqlite`)
    await lead(store.lease)
  })

  it('opens redis://', async () => {
    await using server = await startRedisServer()
    await using store = await openStore(`${server.url}/3`)
    await lead(store.lease)
  })

  it.each([
    '',
    'store.sqlite',
    '/var/lib/store.sqlite',
    'sqlite:',
    'sqlite://host/store.sqlite',
    'sqlite::memory:',
    'mysql://host',
    'http://host',
    'redis:',
    'redis://',
    'redis://host:port',
    'redis://host/photos',
    'redis://host?db=3',
    'redis://u%:x@host',
  ])('refuses %j', async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'store_url',
      exitCode: 2,
      remedy: expect.stringContaining('sqlite:PATH'),
    })
  })

  it('never says the password', async () => {
    for (const url of ['redis://user:secret@host/x', 'redis://:sec/ret@host/x', 'mysql://user:secret@host']) {
      const error: unknown = await openStore(url).catch((thrown: unknown) => thrown)
      expect(String(error)).not.toMatch(/sec|ret@/)
    }
  })
})

describe('parseRedisUrl', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379, database: 0, tls: false }],
    ['redis://host/', { host: 'host', port: 6379, database: 0, tls: false }],
    ['rediss://host:7000/2', { host: 'host', port: 7000, database: 2, tls: true }],
    ['redis://:p%40ss@host', { host: 'host', port: 6379, database: 0, tls: false, password: 'p@ss' }],
    ['redis://us%3Aer:p@[::1]:7', { host: '::1', port: 7, database: 0, tls: false, username: 'us:er', password: 'p' }],
  ])('%s', (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected)
  })
})

it.each([
  ['redis://user:secret@host:1/2', 'redis://user@host:1/2'],
  ['redis://:secret@host', 'redis://host'],
  ['redis://host', 'redis://host'],
  ['redis://user:a@b@host', 'redis://user@host'],
])('withoutPassword %s', (url, expected) => {
  expect(withoutPassword(url)).toBe(expected)
})
