import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest, NodeId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PeerMemory } from './peer-memory.ts'

const b = 'b'.repeat(64) as NodeId
const c = 'c'.repeat(64) as NodeId
const told = (counter: number) => ({ knowledge: { 'b.1': counter }, digest: `${counter}`.padStart(32, '0') as Digest })

let home: string
const clock = new FakeClock()
const open = (): PeerMemory => new PeerMemory(join(home, 'index', 'docs.peers.json'), clock, silentLogger)

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-memory-'))
})
afterEach(() => rmSync(home, { recursive: true }))

it('remembers what peers said last, over a restart', () => {
  const memory = open()
  expect(memory.get(b)).toBeUndefined()
  memory.note(b, { ...told(1), more: 'than is kept' } as never)
  memory.note(c, told(2))
  memory.note(b, told(3))
  memory.save()
  expect([open().get(b), open().get(c)]).toEqual([told(3), told(2)])
  const renewed = 'd'.repeat(64) as NodeId
  expect([open().get(renewed), open().get(renewed, [b])]).toEqual([undefined, told(3)])
})

it('writes a new peer down at once, and news of known ones now and then, in case it never comes to an end', async () => {
  const memory = open()
  memory.note(b, told(1))
  expect(open().get(b)).toEqual(told(1))
  memory.note(b, told(2))
  expect(open().get(b)).toEqual(told(1))
  await clock.advance(60_000)
  memory.note(b, told(3))
  expect(open().get(b)).toEqual(told(3))
})

it.each(['{"b', '[]', '{"b":{}}', `{"${b}":{"knowledge":{"b.1":-1},"digest":"x"}}`])(
  'forgets what it cannot read: %s',
  (text) => {
    mkdirSync(join(home, 'index'))
    writeFileSync(join(home, 'index', 'docs.peers.json'), text)
    expect(open().get(b)).toBeUndefined()
  },
)

it('goes on when it cannot write', () => {
  writeFileSync(join(home, 'index'), '')
  const memory = open()
  memory.note(b, told(1))
  memory.save()
  expect(memory.get(b)).toEqual(told(1))
  expect(readFileSync(join(home, 'index'), 'utf8')).toBe('')
})
