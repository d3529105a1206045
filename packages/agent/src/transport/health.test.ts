import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { expect, it } from 'vitest'
import { LinkClosedError } from './errors.ts'
import { LinkHealth } from './health.ts'

it('measures how long a link lived, whatever the wall clock does, and shows wall time', async () => {
  const clock = new FakeClock()
  const health = new LinkHealth(clock, silentLogger)
  health.up('b', { address: '192.0.2.1:1', dialed: true })
  await clock.advance(5000)
  clock.setWall(1000)
  expect(health.down('b', new LinkClosedError('connection_lost', 'gone'))).toBe(5000)
  expect(health.since).toBe(1000)
})
