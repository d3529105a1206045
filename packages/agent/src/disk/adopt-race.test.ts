import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { adopt } from './copy.ts'
import { hashBytes } from './hash.ts'
import { Place } from './place.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

/** What happens in the moment after the new file has its name. */
let atOnce: () => void
vi.mock('./keep.ts', () => ({
  replaceKeeping: (finished: string, full: string) => {
    renameSync(finished, full)
    atOnce()
  },
}))

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
  atOnce = () => {}
})
afterEach(() => folder[Symbol.dispose]())

it('what a program writes into the new file at once is not taken for what came', () => {
  folder.write('a', 'old one')
  const file = join(folder.base, 'staged')
  writeFileSync(file, 'new one')
  const mtimeUs = 1_700_000_000_000_000
  const task = { op: 'adopt', file, to: 'a', toExpect: folder.signature('a'), mode: 0o644, mtimeUs } as const
  const keepIn = { directory: folder.base, atMs: 0, path: 'a' }
  atOnce = () => writeFileSync(folder.at('a'), 'my edit')
  const put = () => adopt(new Place(folder.root), { ...task, hash: hashBytes('new one'), keepIn })
  expect(put).toThrow(expect.objectContaining({ code: 'changed' }))
  expect(readFileSync(folder.at('a'), 'utf8')).toBe('my edit')
})
