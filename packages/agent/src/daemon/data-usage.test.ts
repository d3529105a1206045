import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataUsage, leftOf } from './data-usage.ts'

const modem = 'a'.repeat(64) as NodeId
const dayMs = 24 * 3_600_000

let directory: string
let clock: FakeClock
let totalBytes: number
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-usage-'))
  clock = new FakeClock()
  totalBytes = 0
})
afterEach(() => rmSync(directory, { recursive: true }))

function open(): DataUsage {
  const file = join(directory, 'usage.json')
  const usage = new DataUsage({ file, clock, log: silentLogger, peers: () => [{ id: modem, cap: modem, totalBytes }] })
  usage.start()
  return usage
}

describe('DataUsage', () => {
  it('adds up over restarts', async () => {
    {
      await using usage = open()
      totalBytes = 1000
      expect(usage.usedBytes(modem)).toBe(1000)
      totalBytes = 1500
    }
    totalBytes = 200
    await using usage = open()
    expect(usage.usedBytes(modem)).toBe(1700)
  })

  it('begins anew with the month', async () => {
    await using usage = open()
    totalBytes = 1000
    expect(usage.usedBytes(modem)).toBe(1000)
    await clock.advance(32 * dayMs)
    totalBytes = 1010
    expect(usage.usedBytes(modem)).toBe(10)
  })

  it('counts a peer that was removed and added again from the start', async () => {
    await using usage = open()
    totalBytes = 1000
    expect(usage.usedBytes(modem)).toBe(1000)
    totalBytes = 30
    expect(usage.usedBytes(modem)).toBe(1030)
  })

  it('goes on counting for a peer that has got a new key', async () => {
    {
      await using usage = open()
      totalBytes = 1000
      expect(usage.usedBytes(modem)).toBe(1000)
    }
    const renewed = 'b'.repeat(64) as NodeId
    const file = join(directory, 'usage.json')
    const peers = () => [{ id: renewed, cap: renewed, totalBytes: 50 }]
    await using usage = new DataUsage({ file, clock, log: silentLogger, peers })
    usage.start()
    expect(usage.usedBytes(renewed, modem)).toBe(1050)
  })

  it('does not stop at a damaged file', async () => {
    writeFileSync(join(directory, 'usage.json'), '{"month":')
    await using usage = open()
    expect(usage.usedBytes(modem)).toBe(0)
  })
})

it.each([
  [5e9, 0, 5e9],
  [5e9, 1e6, 5e9],
  [5e9, 2.51e9, 2.5e9],
  [5e9, 5e9 - 1, 5e7],
  [5e9, 5e9, 0],
  [5e9, 9e9, 0],
  [50, 49, 1],
])('of %d bytes with %d used, %d are left', (cap, used, left) => expect(leftOf(cap, used)).toBe(left))
