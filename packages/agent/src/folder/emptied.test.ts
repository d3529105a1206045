import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeTestFolder } from '../disk/testing/test-folder.ts'
import { isEmptied } from './emptied.ts'

it('tells a folder that was emptied from one with something in it, and from a disk that has just gone', () => {
  using folder = makeTestFolder()
  const totals = { files: 3, dirs: 0 }
  folder.write('a')
  expect(isEmptied(folder.root, totals)).toBe(false)
  rmSync(join(folder.root, 'a'))
  expect(isEmptied(folder.root, totals)).toBe(true)
  expect(isEmptied(folder.root, { files: 2, dirs: 0 }), 'what is deleted one by one').toBe(false)
  // What lies below a mount point when nothing is mounted there.
  rmSync(folder.root, { recursive: true })
  mkdirSync(folder.root)
  expect(() => isEmptied(folder.root, totals)).toThrow(expect.objectContaining({ code: 'marker_gone' }))
})
