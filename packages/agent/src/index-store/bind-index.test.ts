import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bindIndex } from './bind-index.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-bind-'))
  file = join(directory, 'index', 'f.sqlite')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('an index', () => {
  it('stays with its directory', () => {
    expect(bindIndex(file, 'one')).toBeUndefined()
    writeFileSync(file, 'index')
    expect(bindIndex(file, 'one')).toBeUndefined()
    expect(existsSync(file)).toBe(true)
  })

  it('is set aside for another one, with what was under way there', () => {
    bindIndex(file, 'one')
    for (const suffix of ['', '-wal', '.pending-3']) writeFileSync(file + suffix, 'index')
    const aside = bindIndex(file, 'two')
    expect(aside).toMatch(/f\.sqlite\.other-root-/)
    expect(existsSync(aside as string)).toBe(true)
    expect(
      readdirSync(join(directory, 'index')).filter((name) => /^f\.sqlite(-wal|\.pending-\d+)?$/.test(name)),
    ).toEqual([])
    writeFileSync(file, 'new index')
    expect(bindIndex(file, 'two')).toBeUndefined()
  })

  it('from before there were names is taken to be of this directory', () => {
    bindIndex(file, 'one')
    rmSync(`${file}.root`)
    writeFileSync(file, 'index')
    expect(bindIndex(file, 'one')).toBeUndefined()
    expect(existsSync(file)).toBe(true)
  })
})
