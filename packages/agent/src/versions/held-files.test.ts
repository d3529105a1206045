import { fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@spansync/common/runtime/clock'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HeldFiles } from './held-files.ts'

let base: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-held-'))
})
afterEach(() => rmSync(base, { recursive: true }))

const before = { size: 3, mtimeUs: 0 }

/** Held, then edited, and without a name. */
function lostEdit(held: HeldFiles, content: string): void {
  const file = join(base, 'f')
  writeFileSync(file, 'old')
  held.hold('f', file, before)
  writeFileSync(file, content)
  rmSync(file)
}

test('an edit of a file that has lost its name is saved whole', async () => {
  using held = new HeldFiles()
  const content = 'edit '.repeat(200_000)
  lostEdit(held, content)
  await held.save(() => join(base, 'place', 'f'), systemClock)
  expect(readFileSync(join(base, 'place', 'f'), 'utf8')).toBe(content)
})

test('when it cannot be saved, its descriptor is closed once: another file may have the number by then', async () => {
  writeFileSync(join(base, 'in the way'), '')
  writeFileSync(join(base, 'other'), '')
  const held = new HeldFiles()
  lostEdit(held, 'edited')
  await expect(held.save(() => join(base, 'in the way'), systemClock)).rejects.toThrow('EEXIST')
  // Longer than a descriptor that is closed behind our back would take.
  const others = Array.from({ length: 50 }, () => openSync(join(base, 'other'), 'r'))
  held[Symbol.dispose]()
  expect(others.map((descriptor) => fstatSync(descriptor).ino)).toEqual(
    others.map(() => statSync(join(base, 'other')).ino),
  )
})

test('a directory that has come in its place is none of its business', async () => {
  const held = new HeldFiles()
  mkdirSync(join(base, 'd'))
  held.hold('d', join(base, 'd'), before)
  rmSync(join(base, 'd'), { recursive: true })
  await held.save(() => join(base, 'place'), systemClock)
  held[Symbol.dispose]()
})
