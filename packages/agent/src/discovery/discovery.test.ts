import type { NodeId } from '@spansync/common/core/causal/types'
import { systemClock } from '@spansync/common/runtime/clock'
import { createLogger } from '@spansync/common/runtime/logger'
import { patience } from '@spansync/common/testing/patience'
import { expect, it, vi } from 'vitest'
import { Discovery } from './discovery.ts'

it('tells of a fault in the log, tries again, and can be stopped', async () => {
  const lines: { event?: string }[] = []
  let faults = 0
  const discovery = new Discovery({
    id: 'a'.repeat(64) as NodeId,
    listen: () => {
      faults++
      throw new Error('a fault')
    },
    port: () => undefined,
    isPeer: () => false,
    found: () => undefined,
    clock: systemClock,
    log: createLogger({ destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
  })
  discovery.start()
  discovery.refresh()
  await vi.waitFor(() => expect(faults).toBeGreaterThan(1), patience)
  await discovery[Symbol.asyncDispose]()
  expect(lines[0]).toMatchObject({ event: 'discovery.failed', err: { message: 'a fault' } })
})
