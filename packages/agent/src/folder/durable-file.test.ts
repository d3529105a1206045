import { mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { writeDurably } from './durable-file.ts'

let directory: string

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'spansync-durable-')))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

it.skipIf(process.platform !== 'linux')('is on the disk with its name before it counts as written', async () => {
  const synced: string[] = []
  await using some = await open(directory)
  vi.spyOn(Object.getPrototypeOf(some), 'sync').mockImplementation(async function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`)
    synced.push(path === directory ? path : `${path}: ${readFileSync(path, 'utf8')}`)
  })
  const file = join(directory, 'new')
  await writeDurably(file, 'text')
  expect(synced).toEqual([`${file}: text`, directory])
})

it('is for its owner alone, and makes the directory', async () => {
  const file = join(directory, 'below/new')
  await writeDurably(file, 'text')
  expect(readFileSync(file, 'utf8')).toBe('text')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})
