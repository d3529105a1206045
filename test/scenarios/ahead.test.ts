import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

const bytes = 12_000_000

describeLab('a large file on the line a-b-c-d', () => {
  const fleet = useFleet('line')
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  const stagedAt = (node: string): number => {
    const directory = join(fleet().agent(node).folderPath, '.spansync/ahead')
    return existsSync(directory) ? readdirSync(directory).length : 0
  }

  test('is at the end of the line before the first hop has all of it, and passes each link once', async () => {
    const { lab } = fleet()
    // Pairs that have met: the first session of a new one is another matter.
    place('a').write('small', 'x')
    await fleet().settle('a')
    await lab.link('a', 'b').setRate('20mbit')
    await lab.quiet(500, 3000)
    const before = lab.bytes()
    place('a').write('large', randomBytes(bytes))
    await until(() => stagedAt('d') > 0, { deadlineMs: 20_000, intervalMs: 20, what: 'bytes come to d' })
    expect([place('b').exists('large'), place('c').exists('large')]).toEqual([false, false])
    await fleet().follow('a', { deadlineMs: 40_000 })
    await lab.quiet(500, 5000)
    expect((lab.bytes() - before) / (bytes * 3)).toBeLessThan(1.12)
    expect(['b', 'c', 'd'].map(stagedAt)).toEqual([0, 0, 0])
  })

  test('that changes while it passes is right everywhere in the end', async () => {
    place('a').write('large', randomBytes(bytes))
    await until(() => stagedAt('c') > 0 || place('c').exists('large'), {
      deadlineMs: 20_000,
      intervalMs: 20,
      what: 'bytes come to c',
    })
    place('a').write('large', randomBytes(bytes - 1_000_000))
    await fleet().follow('a', { deadlineMs: 60_000 })
    expect(place('d').list()).toEqual(['large', 'small'])
  })
})
