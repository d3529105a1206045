import type { Config } from '@spansync/common/config/schema'
import { expect, it } from 'vitest'
import { limitsIn } from './housekeeping.ts'

it('a folder sets its own limits one by one; with a size it has room of its own', () => {
  const config = {
    versions: { days: 30, count: 50, maxBytes: 1000 },
    folders: { docs: { versions: { days: 7 } }, work: { versions: { maxBytes: 5, count: 1 } }, plain: {} },
  } as unknown as Config
  const limitsOf = limitsIn(config)
  expect(limitsOf('docs')).toEqual({ days: 7, count: 50, maxBytes: 1000, ownRoom: false })
  expect(limitsOf('work')).toEqual({ days: 30, count: 1, maxBytes: 5, ownRoom: true })
  for (const folder of ['plain', 'no longer there'])
    expect(limitsOf(folder)).toEqual({ days: 30, count: 50, maxBytes: 1000, ownRoom: false })
})
