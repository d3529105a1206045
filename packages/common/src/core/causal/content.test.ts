import { describe, expect, it } from 'vitest'
import { matches, sameBytes, sameContent, sameEntry } from './content.ts'
import type { Content, Entry } from './types.ts'

const file: Content = { kind: 'file', size: 3, mtimeUs: 5, mode: 0o644, hash: 'aa' }
const entry = (content: Content, deleted = false): Entry => ({ path: 'f', deleted, vector: {}, dots: [], ...content })

describe('what counts as the same', () => {
  it.each<[string, Content, { bytes: boolean; content: boolean }]>([
    ['the same', file, { bytes: true, content: true }],
    ['another time', { ...file, mtimeUs: 9 }, { bytes: true, content: true }],
    ['another mode', { ...file, mode: 0o755 }, { bytes: true, content: false }],
    ['other bytes', { ...file, hash: 'bb' }, { bytes: false, content: false }],
    ['a link with the same hash', { ...file, kind: 'symlink' }, { bytes: false, content: false }],
  ])('%s', (_, right, { bytes, content }) => {
    expect(sameBytes(file, right)).toBe(bytes)
    expect(sameContent(file, right)).toBe(content)
    expect(sameEntry(entry(file), entry(right))).toBe(content)
    expect(matches(entry(file), right)).toBe(content)
  })

  it('takes all tombstones for the same, and none for anything alive', () => {
    expect(sameEntry(entry(file, true), entry({ ...file, kind: 'dir' }, true))).toBe(true)
    expect(sameEntry(entry(file, true), entry(file))).toBe(false)
  })

  it.each<[string, Entry | undefined, Content | undefined, boolean]>([
    ['never heard of and not there', undefined, undefined, true],
    ['never heard of but there', undefined, file, false],
    ['deleted and not there', entry(file, true), undefined, true],
    ['deleted but there', entry(file, true), file, false],
    ['alive but not there', entry(file), undefined, false],
  ])('%s', (_, row, disk, expected) => {
    expect(matches(row, disk)).toBe(expected)
  })
})
