import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type LinkHistory, openLinkHistory, readLinkEvents } from './link-history.ts'

const b = { peer: 'b'.repeat(64) as NodeId, name: 'b', address: '192.0.2.1:1' }
const c = { peer: 'c'.repeat(64) as NodeId, name: 'c', address: '192.0.2.2:1' }

let directory: string
let file: string
let clock: FakeClock
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-history-'))
  file = join(directory, 'links.sqlite')
  clock = new FakeClock()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const open = (): LinkHistory => openLinkHistory({ file, clock, log: silentLogger })
const events = () => readLinkEvents(file, { limit: 100 }).map(({ name, what, code }) => [name, what, code])

it('adds up how long each link was up, also over restarts', async () => {
  {
    using history = open()
    history.note({ ...b, what: 'failed', code: 'unreachable', message: 'nobody is there' })
    await clock.advance(1000)
    history.note({ ...b, what: 'up' })
    await clock.advance(2000)
    history.note({ ...b, what: 'moved', address: '192.0.2.9:1' })
    await clock.advance(1000)
    history.note({ ...b, what: 'down', code: 'shutdown', message: 'it is shutting down' })
    expect(history.availability(b.peer)).toBe(0.75)
    expect(history.availability(c.peer)).toBeUndefined()
  }
  await clock.advance(2000)
  using history = open()
  expect(history.availability(b.peer)).toBe(0.5)
  history.note({ ...b, what: 'up' })
  await clock.advance(6000)
  expect(history.availability(b.peer)).toBe(0.75)
})

it('knows after a crash until when the links were up at least', async () => {
  const crashed = open()
  crashed.note({ ...b, what: 'up' })
  await clock.advance(60_000)
  crashed.beat()
  await clock.advance(60_000)
  using history = open()
  expect(events()).toEqual([
    ['b', 'up', undefined],
    ['b', 'down', 'agent_ended'],
  ])
  expect(history.availability(b.peer)).toBe(0.5)
  crashed[Symbol.dispose]()
})

it('keeps so many events of each link, the newest', () => {
  using history = open()
  history.note({ ...c, what: 'up' })
  for (let round = 0; round < 2500; round++) {
    history.note({ ...b, what: 'up' })
    history.note({ ...b, what: 'down', code: 'connection_lost', message: `${round}` })
  }
  const all = readLinkEvents(file, { limit: 100_000 })
  expect(all.length).toBeLessThanOrEqual(4401)
  expect(all.filter(({ name }) => name === 'c')).toHaveLength(1)
  expect(all.at(-1)?.message).toBe('2499')
  expect(readLinkEvents(file, { peers: [c.peer], limit: 5 })).toHaveLength(1)
})

it('forgets what is older than a good year', async () => {
  {
    using history = open()
    history.note({ ...b, what: 'failed', code: 'unreachable' })
  }
  await clock.advance(401 * 24 * 3_600_000)
  using history = open()
  expect(history.availability(b.peer)).toBeUndefined()
})

it('begins anew when the file is damaged, and is empty before there is one', () => {
  expect(readLinkEvents(file, { limit: 1 })).toEqual([])
  writeFileSync(file, 'not a database at all, but long enough to be looked at '.repeat(20))
  using history = open()
  history.note({ ...b, what: 'up' })
  expect(history.availability(b.peer)).toBe(1)
})

it('takes a peer with a new key for the one it was', async () => {
  using history = open()
  const renewed = { ...b, peer: 'e'.repeat(64) as NodeId }
  history.note({ ...b, what: 'up' })
  await clock.advance(1000)
  history.note({ ...b, what: 'down', code: 'peer_removed' })
  await clock.advance(2000)
  history.note({ ...renewed, what: 'up' })
  await clock.advance(1000)
  expect(history.availability(renewed.peer, b.peer)).toBe(0.5)
  expect(history.availability(renewed.peer)).toBe(1)
  expect(history.availability(c.peer, b.peer)).toBe(0.25)
  const ofBoth = readLinkEvents(file, { peers: [renewed.peer, b.peer], limit: 100 })
  expect(ofBoth.map(({ what }) => what)).toEqual(['up', 'down', 'up'])
  expect(readLinkEvents(file, { peers: [renewed.peer, b.peer], limit: 1 })).toMatchObject([{ peer: renewed.peer }])
})
