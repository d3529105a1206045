import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FolderId } from '@spansync/common/core/causal/types'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkMarker, checkNotNested, createMarker, rootInstance } from './marker.ts'
import { folder as id, makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

const error = (code: string, ...remedy: string[]): unknown =>
  expect.objectContaining({ code, remedy: expect.stringContaining(remedy[0] ?? ''), retryable: true })

describe('marker', () => {
  it('is made once and holds the id', () => {
    createMarker(folder.root, id)
    const marker = { id, version: 1, instance: expect.stringMatching(/^[0-9a-f]{24}$/) }
    expect(JSON.parse(readFileSync(folder.at('.spansync/folder.json'), 'utf8'))).toEqual(marker)
    checkMarker(folder.root, id)
    checkMarker(folder.root)
  })

  it('tells its directory from others, and keeps doing so', () => {
    const instance = rootInstance(folder.root, id)
    createMarker(folder.root, id)
    expect(rootInstance(folder.root, id)).toBe(instance)
    rmSync(folder.at('.spansync'), { recursive: true })
    expect(rootInstance(folder.root, id)).toBeUndefined()
    createMarker(folder.root, id)
    expect(rootInstance(folder.root, id)).not.toBe(instance)
  })

  it('of an older version gets what it lacks', () => {
    writeFileSync(folder.at('.spansync/folder.json'), JSON.stringify({ id, version: 1 }))
    const instance = rootInstance(folder.root, id)
    expect(instance).toMatch(/^[0-9a-f]{24}$/)
    expect(rootInstance(folder.root, id)).toBe(instance)
  })

  it('belongs to one folder', () => {
    const other = 'photos' as FolderId
    expect(() => createMarker(folder.root, other)).toThrow(error('marker_foreign', 'spansync folder add photos'))
    expect(() => checkMarker(folder.root, other)).toThrow(/docs, not of photos/)
  })

  it('is missed', () => {
    rmSync(folder.at('.spansync'), { recursive: true })
    expect(() => checkMarker(folder.root, id)).toThrow(error('marker_gone', 'spansync folder add docs'))
    writeFileSync(folder.at('.spansync'), '')
    expect(() => checkMarker(folder.root, id)).toThrow(error('marker_gone'))
  })

  it('is checked', () => {
    writeFileSync(folder.at('.spansync/folder.json'), '{"id":')
    expect(() => checkMarker(folder.root, id)).toThrow(error('marker_invalid', 'remove that file'))
  })

  it('needs a root that can be read', () => {
    expect(() => checkMarker(join(folder.base, 'none'), id)).toThrow(error('root_missing', 'mount'))
    expect(() => createMarker(join(folder.base, 'none'), id)).toThrow(error('root_missing'))
    expect(() => checkMarker(folder.write('file'), id)).toThrow(error('root_not_directory'))
  })

  it.skipIf(process.getuid?.() === 0)('says when the root may not be read', () => {
    chmodSync(folder.root, 0)
    try {
      expect(() => checkMarker(folder.root, id)).toThrow(error('root_not_readable', 'right to read'))
    } finally {
      chmodSync(folder.root, 0o755)
    }
  })
})

describe('checkNotNested', () => {
  const at = (name: string, path: string) => ({ id: name as FolderId, path })

  it('lets neighbours be', () => {
    checkNotNested([at('a', '/data/a'), at('b', '/data/ab'), at('c', '/data/..c')])
  })

  it.each([
    ['/data', '/data/a'],
    ['/data/a/b', '/data/a'],
    ['/data', '/data'],
    ['/', '/data'],
    ['/data', '/data/..x'],
  ])('refuses %s and %s', (left, right) => {
    expect(() => checkNotNested([at('a', left), at('b', right)])).toThrow(
      expect.objectContaining({ code: 'nested_folders' }),
    )
  })

  it('looks behind links', () => {
    mkdirSync(folder.at('inner'))
    symlinkSync(folder.at('inner'), join(folder.base, 'link'))
    expect(() => checkNotNested([at('a', folder.root), at('b', join(folder.base, 'link'))])).toThrow(/lies inside/)
  })
})
