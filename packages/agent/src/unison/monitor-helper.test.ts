import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installMonitorHelper } from './monitor-helper.ts'

test('sessions that begin at the same time do not stand in each other´s way', async () => {
  const home = await mkdtemp(join(tmpdir(), 'spansync-monitor-'))
  try {
    const begun = Array.from({ length: 20 }, () => installMonitorHelper(home, '2.53'))
    expect(new Set(await Promise.all(begun))).toEqual(new Set([join(home, 'monitor')]))
    expect(await readdir(join(home, 'monitor'))).toEqual(['unison-fsmonitor-2.53'])
  } finally {
    await rm(home, { recursive: true })
  }
})
