import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReplicaId } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import { file, replica, runFolderIndexTests } from '@spansync/common/testing/folder-index-contract'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openIndex, setAside } from './open-index.ts'
import { columns, encodeRow } from './row-codec.ts'
import { migrations } from './schema.ts'

let directory: string
let opened: FolderIndex[]
let made = 0

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-index-'))
  opened = []
})

afterEach(() => {
  for (const index of opened) index.close()
  rmSync(directory, { recursive: true })
})

function open(name = 'index.sqlite', key: ReplicaId = replica): FolderIndex {
  const index = openIndex(join(directory, name), { replica: () => key })
  opened.push(index)
  return index
}

/** The files as they lie there while the index is open: what a kill leaves. */
function crash(name: string): string {
  const copy = `${name}.copy`
  for (const suffix of ['', '-wal']) {
    if (existsSync(join(directory, name + suffix)))
      cpSync(join(directory, name + suffix), join(directory, copy + suffix))
  }
  return copy
}

function overwrite(name: string, from: number, length: number): void {
  const handle = openSync(join(directory, name), 'r+')
  writeSync(handle, Buffer.alloc(length, 0xa5), 0, length, from)
  closeSync(handle)
}

const thousand = Array.from({ length: 1000 }, (_, at) => file(`dir${at % 10}/file${at}`, at + 1))

describe('an index from before tombstones could be dropped', () => {
  it('is taken over, with a digest that leaves them out', () => {
    const name = 'old.sqlite'
    const database = new Database(join(directory, name))
    database.exec(migrations[0] as string)
    database.pragma('user_version = 1')
    const gone = { ...file('gone', 2), deleted: true, size: 0, mtimeUs: 0, mode: 0, hash: '', stat: undefined }
    const then = columns.replace(', beaten', '')
    const put = database.prepare(`INSERT INTO entry (${then}) VALUES (${then.replaceAll(/\w+/g, '?')})`)
    for (const [at, row] of [file('a', 1), gone].entries()) put.run(...encodeRow(at + 1, row).slice(0, -1))
    database.exec(
      `INSERT INTO replica VALUES (1, '${replica}', '{"${replica}":2}', '${'1'.repeat(32)}', 2, 1, 0, 3, 1, 1)`,
    )
    database.close()
    const index = open(name)
    const fresh = open('fresh.sqlite')
    fresh.commit({ rows: [file('a', 1)] })
    expect(index.meta()).toEqual({
      ...{ replica, knowledge: { [replica]: 2 }, collected: {}, seq: 2 },
      digest: fresh.meta().digest,
    })
    expect(index.get('a')).toEqual({ ...file('a', 1), seq: 1 })
    index.rescope('what it always ignored')
    expect(index.meta().knowledge).toEqual({ [replica]: 2 })
    index.commit({ rows: [], dropped: ['gone'] })
    expect(index.totals()).toEqual({ files: 1, dirs: 0, bytes: 3, tombstones: 0 })
  })
})

describe('SqliteIndex', () => {
  runFolderIndexTests(() => open(`index${made++}.sqlite`))
})

describe('openIndex', () => {
  it('keeps everything over a restart, and its key', () => {
    const first = open()
    first.commit({ rows: [file('a', 1), file('b', 2)], knowledge: { [replica]: 2 } })
    const expected = { meta: first.meta(), totals: first.totals(), a: first.get('a') }
    first.close()
    const second = open('index.sqlite', 'laptop.other' as ReplicaId)
    expect({ meta: second.meta(), totals: second.totals(), a: second.get('a') }).toEqual(expected)
  })

  it('keeps what was committed when the process is killed', () => {
    const first = open()
    first.commit({ rows: thousand, knowledge: { [replica]: 1000 } })
    const second = open(crash('index.sqlite'))
    expect(second.meta()).toEqual(first.meta())
    expect(second.totals().files).toBe(1000)
  })

  it('rolls a failed commit back, in memory too', () => {
    const index = open()
    index.commit({ rows: [file('a', 1)] })
    const before = index.meta()
    const broken = { ...file('b', 2), path: null as unknown as string }
    expect(() => index.commit({ rows: [file('c', 2), broken] })).toThrow()
    expect(index.meta()).toEqual(before)
    expect(index.get('c')).toBeUndefined()
    expect(index.totals().files).toBe(1)
    expect(index.commit({ rows: [file('c', 2)] }).seq).toBe(2)
  })

  it('may be closed twice', () => {
    const index = open()
    index.close()
    index.close()
  })

  it('refuses the file of a newer program', () => {
    open().close()
    const database = new Database(join(directory, 'index.sqlite'))
    database.pragma('user_version = 99')
    database.close()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'index_too_new' }))
  })
})

describe('damage', () => {
  const damaged = expect.objectContaining({ code: 'index_damaged', remedy: expect.stringContaining('set aside') })

  it('is seen at once when the file is something else', () => {
    writeFileSync(
      join(directory, 'index.sqlite'),
      'this is not a database, and long enough to be looked at '.repeat(100),
    )
    expect(() => open()).toThrow(damaged)
  })

  it('is found by the check after a crash', () => {
    open().commit({ rows: thousand })
    opened[0]?.close()
    const again = open()
    again.commit({ rows: [file('x', 2000)] })
    const copy = crash('index.sqlite')
    const size = statSync(join(directory, copy)).size
    overwrite(copy, Math.floor(size / 2 / 4096) * 4096, 8192)
    expect(() => open(copy)).toThrow(damaged)
  })

  it('is found in use', () => {
    open().commit({ rows: thousand })
    opened[0]?.close()
    const size = statSync(join(directory, 'index.sqlite')).size
    overwrite('index.sqlite', 5 * 4096, size - 6 * 4096)
    expect(() => {
      const index = open()
      for (const row of thousand) index.get(row.path)
      index.since(0, undefined, 10_000)
    }).toThrow(damaged)
  })

  it('can be set aside with all its files, and a new index begins', () => {
    const copy = 'index.sqlite'
    open().close()
    overwrite(copy, 0, 4096)
    expect(() => open()).toThrow(damaged)
    writeFileSync(join(directory, `${copy}-wal`), 'left over')
    const target = setAside(join(directory, copy), 'damaged', Date.UTC(2026, 0, 2, 3, 4, 5))
    expect(target).toMatch(/\.damaged-2026-01-02T030405\.000Z$/)
    expect(existsSync(target)).toBe(true)
    expect(existsSync(join(directory, `${copy}-wal`))).toBe(false)
    expect(open(copy, 'laptop.new' as ReplicaId).meta()).toMatchObject({ replica: 'laptop.new', seq: 0 })
  })
})
