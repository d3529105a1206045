import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import { policyLayers } from '@spansync/common/config/policy-layers'
import type { FolderId } from '@spansync/common/core/causal/types'
import { mergeLayers } from '@spansync/common/core/policy/settings'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runHere } from './testing.ts'

let base: string
let home: string
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-pause-'))
  home = join(base, 'home')
  await spansync('init', '--name', 'laptop')
  for (const id of ['docs', 'films']) await spansync('folder', 'add', id, id)
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)
const pausedNow = (): unknown[] =>
  ['docs', 'films'].map((id) => {
    const { settings } = policyLayers(loadConfig(home), { folder: id as FolderId })
    return mergeLayers(settings).paused.value
  })

test('one folder is paused and resumed', async () => {
  expect(await spansync('pause', 'films')).toMatchObject({ code: 0, out: 'folder films paused\n' })
  expect(pausedNow()).toEqual([false, true])
  expect(await spansync('resume', 'films')).toMatchObject({ code: 0, out: 'folder films resumed\n' })
  expect(pausedNow()).toEqual([false, false])
  expect(await spansync('resume', 'films')).toMatchObject({ out: 'folder films was not paused\n' })
})

test('everything is paused, and one folder let go on', async () => {
  expect(await spansync('pause')).toMatchObject({ code: 0, out: 'everything paused\n' })
  expect(pausedNow()).toEqual([true, true])
  expect(await spansync('resume', 'docs')).toMatchObject({ out: 'folder docs resumed\n' })
  expect(pausedNow()).toEqual([false, true])
  await spansync('resume')
  expect(pausedNow()).toEqual([false, false])
})

test('a pause may end by itself', async () => {
  const before = Date.now()
  expect((await spansync('pause', 'films', '--for', '8h')).out).toMatch(/^folder films paused until /)
  const { untilMs } = pausedNow()[1] as { untilMs: number }
  expect(untilMs - before).toBeGreaterThanOrEqual(8 * 3_600_000)
  expect(untilMs - before).toBeLessThan(8 * 3_600_000 + 60_000)
  expect(await spansync('pause', 'films', '--for', '8')).toMatchObject({ code: 2 })
  expect(await spansync('pause', 'flims')).toMatchObject({ code: 2 })
})
