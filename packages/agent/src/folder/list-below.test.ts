import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listBelow } from './list-below.ts'

it('lists all that is below, not through links, and nothing where nothing is', async () => {
  const root = mkdtempSync(join(tmpdir(), 'spansync-list-'))
  mkdirSync(join(root, 'd/e/f'), { recursive: true })
  writeFileSync(join(root, 'd/e/g'), '')
  symlinkSync('..', join(root, 'd/up'))
  expect((await listBelow(root, 'd')).sort()).toEqual(['d/e', 'd/e/f', 'd/e/g', 'd/up'])
  expect(await listBelow(root, 'none')).toEqual([])
  rmSync(root, { recursive: true })
})
