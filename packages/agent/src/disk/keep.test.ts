import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatSignature } from '@spansync/common/core/causal/types'
import { patience } from '@spansync/common/testing/patience'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { removeUnfinished } from '../versions/unfinished.ts'
import { copyAcross, isUnfinished, removeKeeping, replaceKeeping } from './keep.ts'
import { type KeptPlace, keptFile } from './kept-place.ts'
import { signatureOf } from './stat.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-keep-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const at = (path: string): string => join(base, path)

test.each(['no such', '/etc', 'd'])('a link to %j goes to another disk as it is', (target) => {
  mkdirSync(at('d'))
  symlinkSync(target, at('link'))
  copyAcross(at('link'), at('copy'))
  expect(readlinkSync(at('copy'))).toBe(target)
})

test('a directory with files and links, with their times', () => {
  mkdirSync(at('d/e'), { recursive: true })
  writeFileSync(at('d/e/f'), 'content')
  utimesSync(at('d/e/f'), 1_700_000_000, 1_700_000_000)
  symlinkSync('no such', at('d/link'))
  copyAcross(at('d'), at('copy'))
  expect([readFileSync(at('copy/e/f'), 'utf8'), readlinkSync(at('copy/link'))]).toEqual(['content', 'no such'])
  expect(lstatSync(at('copy/e/f')).mtimeMs).toBe(1_700_000_000_000)
})

test('nothing is overwritten', () => {
  writeFileSync(at('f'), 'new')
  writeFileSync(at('taken'), 'old')
  expect(() => copyAcross(at('f'), at('taken'))).toThrow(/EEXIST/)
  expect(readFileSync(at('taken'), 'utf8')).toBe('old')
})

const shm = '/dev/shm'
const disks = ['the same disk', ...(existsSync(shm) ? ['another disk'] : [])]

describe.each(disks)('what is kept on %s', (disk) => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(disk === 'another disk' ? shm : base, 'spansync-versions-'))
    writeFileSync(at('a'), 'before')
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  const signature = (path: string): StatSignature => signatureOf(lstatSync(at(path)))
  const place = (): KeptPlace => ({ directory: join(home, 'versions'), atMs: 0, path: 'a' })
  const version = (): string | undefined => {
    const file = keptFile(place())
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }
  const changed = expect.objectContaining({ code: 'changed' })

  test('is what goes', () => {
    removeKeeping(at('a'), signature('a'), place())
    expect([version(), readdirSync(base).includes('a')]).toEqual(['before', false])
  })

  test('is what is replaced, and stays as it was', () => {
    writeFileSync(at('new'), 'after')
    replaceKeeping(at('new'), at('a'), signature('a'), place())
    writeFileSync(at('a'), 'edit')
    expect([version(), readFileSync(at('a'), 'utf8')]).toEqual(['before', 'edit'])
  })

  test('is nothing when something else is there', () => {
    const expected = signature('a')
    writeFileSync(at('a'), 'an edit')
    writeFileSync(at('new'), 'after')
    expect(() => removeKeeping(at('a'), expected, place())).toThrow(changed)
    expect(() => replaceKeeping(at('new'), at('a'), expected, place())).toThrow(changed)
    expect([version(), readFileSync(at('a'), 'utf8')]).toEqual([undefined, 'an edit'])
    expect(readdirSync(base).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

describe.runIf(existsSync(shm))('killed while a version is copied to another disk', () => {
  const home = join(shm, `spansync-killed-${process.pid}`)
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  test.each(['remove', 'replace'])('nothing is lost, and no half of it counts: %s', async (what) => {
    writeFileSync(at('a'), 'before')
    writeFileSync(at('new'), 'after')
    const directory = join(home, 'versions')
    const place = { directory, atMs: 0, path: 'a' }
    const expected = signatureOf(lstatSync(at('a')))
    // It never gets past the moment in which the copy is flushed.
    const script = `
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      fs.fsyncSync = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      syncBuiltinESMExports()
      const { removeKeeping, replaceKeeping } = await import(${JSON.stringify(join(import.meta.dirname, 'keep.ts'))})
      const [what, a, fresh, expected, place] = process.argv.slice(1)
      if (what === 'remove') removeKeeping(a, JSON.parse(expected), JSON.parse(place))
      else replaceKeeping(fresh, a, JSON.parse(expected), JSON.parse(place))`
    const argv = ['--conditions=spansync-source', '--input-type=module', '--eval', script, what, at('a'), at('new')]
    const keeping = execa(process.execPath, [...argv, JSON.stringify(expected), JSON.stringify(place)], {
      reject: false,
    })
    const unfinished = (): string[] => (existsSync(directory) ? readdirSync(directory).filter(isUnfinished) : [])
    await vi.waitUntil(() => unfinished().length > 0, patience)
    keeping.kill('SIGKILL')
    expect((await keeping).signal).toBe('SIGKILL')
    expect(readFileSync(at('a'), 'utf8')).toBe('before')
    expect(existsSync(keptFile(place))).toBe(false)
    await removeUnfinished(directory, lstatSync(join(directory, unfinished()[0] as string)).ctimeMs)
    expect(unfinished()).toHaveLength(1)
    await removeUnfinished(directory, Date.now() + 60_000)
    expect(unfinished()).toEqual([])
  })
})
