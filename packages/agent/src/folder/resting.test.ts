import type { NodeId, Row } from '@spansync/common/core/causal/types'
import type { Rest } from '@spansync/common/core/policy/rest'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { file } from '@spansync/common/testing/entries'
import { beforeEach, expect, test } from 'vitest'
import { Resting } from './resting.ts'

const peer = 'b' as NodeId
let clock: FakeClock
let rest: Rest | undefined
let resting: Resting
beforeEach(() => {
  clock = new FakeClock(Date.UTC(2026, 0, 1))
  rest = { settleMs: 1000, mostMs: 5000 }
  resting = new Resting(clock, (of) => (of === peer ? rest : undefined))
})

const row = (seq: number, agoMs: number): Row => ({
  ...file(`f${seq}`, 'x', { 'a.1': seq }),
  mtimeUs: (clock.wallNow() - agoMs) * 1000,
  seq,
  stat: undefined,
})
const reading = (...rows: Row[]) => ({ rows, toSeq: rows.at(-1)?.seq ?? 0, complete: true })
const heldOf = (...rows: Row[]) => {
  const { rows: passed, toSeq, complete, heldUntil } = resting.holdBack(peer, reading(...rows))
  return {
    passed: passed.length,
    toSeq,
    complete,
    forMs: heldUntil === undefined ? undefined : heldUntil - clock.now(),
  }
}

test('what has not rested waits, and what was changed after it', () => {
  expect(heldOf(row(3, 2000), row(7, 400), row(8, 2000))).toEqual({ passed: 1, toSeq: 6, complete: false, forMs: 600 })
  expect(heldOf(row(3, 2000), row(8, 2000))).toEqual({ passed: 2, toSeq: 8, complete: true, forMs: undefined })
  expect(resting.holdBack('c' as NodeId, reading(row(7, 0)))).toMatchObject({ complete: true })
})

test('what never rests passes in the end, with all that waited, and then has to rest anew', async () => {
  expect(heldOf(row(1, 0)).passed).toBe(0)
  const since = clock.wallNow()
  await clock.advance(4500)
  expect(heldOf(row(2, 0))).toMatchObject({ passed: 0, forMs: 500 })
  expect(resting.changesFor(peer)).toMatchObject({ firstAtMs: since, lastAtMs: clock.wallNow() })
  expect(resting.isHeld(peer, row(2, 0))).toBe(true)
  await clock.advance(500)
  expect(resting.isHeld(peer, row(2, 0))).toBe(false)
  expect(resting.holdBack(peer, { ...reading(row(3, 0)), complete: false }).rows).toHaveLength(1)
  expect(heldOf(row(4, 0)).passed).toBe(1)
  expect(resting.changesFor(peer)).toBeUndefined()
  expect(heldOf(row(5, 0))).toMatchObject({ passed: 0, forMs: 1000 })
})

test('a person can let all pass that has been written so far', async () => {
  expect(heldOf(row(1, 10)).passed).toBe(0)
  resting.release()
  expect(heldOf(row(1, 10))).toMatchObject({ passed: 1, complete: true })
  await clock.advance(1)
  expect(heldOf(row(2, 0)).passed).toBe(0)
})

test('notices that policy says something else', () => {
  heldOf(row(1, 10))
  expect(resting.isOutdated).toBe(false)
  rest = { settleMs: 5, mostMs: 50 }
  expect(resting.isOutdated).toBe(true)
  expect(heldOf(row(1, 10)).passed).toBe(1)
  expect(resting.isOutdated).toBe(false)
})

test('forgets what waited for a peer that is gone', () => {
  heldOf(row(1, 10))
  resting.linkDown(peer)
  expect(resting.changesFor(peer)).toBeUndefined()
})
