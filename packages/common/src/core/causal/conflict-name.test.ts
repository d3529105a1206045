import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNodeName, anyPath } from '../../testing/arbitraries.ts'
import { conflictMark, conflictOrigin, conflictPath, isConflictCopy } from './conflict-name.ts'
import type { Entry, ReplicaId } from './types.ts'

const often = { numRuns: 1000 }
const day = 86_400_000_000
const bytes = (text: string): number => new TextEncoder().encode(text).length
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function loser(path: string, more: { mtimeUs?: number; writer?: string; hash?: string } = {}): Entry {
  const { mtimeUs = 20_000 * day, writer = 'laptop.0a1b2c3d4e', hash = 'abcdef0123456789abcdef' } = more
  const content = { kind: 'file', deleted: false, size: 3, mode: 0o644, hash, mtimeUs } as const
  return { path, vector: {}, dots: [[writer as ReplicaId, 1]], ...content }
}

const anyLoser = fc
  .record({
    path: anyPath,
    node: anyNodeName,
    mtimeUs: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  })
  .map(({ path, node, mtimeUs }) => ({ node, entry: loser(path, { mtimeUs, writer: `${node}.0a1b2c3d4e` }) }))
const anyAttempt = fc.constantFrom(0, 1, 2, 4, 5, 17)

describe('conflictPath', () => {
  it.each<[string, Entry, number, string]>([
    ['an extension stays at the end', loser('a/notes.txt'), 0, 'a/notes (conflict 2024-10-04 laptop).txt'],
    ['no extension', loser('Makefile'), 0, 'Makefile (conflict 2024-10-04 laptop)'],
    ['a name that begins with a dot', loser('.bashrc'), 0, '.bashrc (conflict 2024-10-04 laptop)'],
    ['two extensions', loser('x.tar.gz'), 0, 'x.tar (conflict 2024-10-04 laptop).gz'],
    ['a dot at the end', loser('x.'), 0, 'x (conflict 2024-10-04 laptop).'],
    ['a dot in a directory only', loser('a.b/c'), 0, 'a.b/c (conflict 2024-10-04 laptop)'],
    ['a node´s name with a dot', loser('f', { writer: 'my.phone.0a1b' }), 0, 'f (conflict 2024-10-04 my.phone)'],
    ['nobody known', { ...loser('f'), dots: [] }, 0, 'f (conflict 2024-10-04 unknown)'],
    ['the name is taken', loser('f.txt'), 1, 'f (conflict 2024-10-04 laptop abcd).txt'],
    ['that one, too', loser('f.txt'), 2, 'f (conflict 2024-10-04 laptop abcdef01).txt'],
    ['and many more', loser('f.txt'), 7, 'f (conflict 2024-10-04 laptop abcdef0123456789abcdef-7).txt'],
  ])('%s', (_, entry, attempt, expected) => {
    expect(conflictPath(entry, attempt)).toBe(expected)
  })

  it.each([
    [0, '1970-01-01'],
    [-1, '1969-12-31'],
    [day - 1, '1970-01-01'],
    [11_016 * day, '2000-02-29'],
    [Date.UTC(2100, 1, 28) * 1000 + day, '2100-03-01'],
  ])('%i µs is %s', (mtimeUs, date) => {
    expect(conflictPath(loser('f', { mtimeUs }), 0)).toBe(`f (conflict ${date} laptop)`)
  })

  it('dates as the calendar does', () => {
    fc.assert(
      fc.property(anyLoser, ({ entry }) => {
        const date = new Date(Math.floor(entry.mtimeUs / 1000)).toISOString().slice(0, 10)
        expect(conflictPath(entry, 0)).toContain(`${conflictMark}${date} `)
      }),
      often,
    )
  })

  it('is a name that every file system can hold, in the same directory', () => {
    fc.assert(
      fc.property(anyLoser, anyAttempt, ({ entry }, attempt) => {
        const path = conflictPath(entry, attempt)
        expect(bytes(nameOf(path))).toBeLessThanOrEqual(255)
        expect(path.slice(0, -nameOf(path).length)).toBe(entry.path.slice(0, -nameOf(entry.path).length))
      }),
      often,
    )
  })

  it.each([
    ['a long stem', `${'x'.repeat(250)}.txt`],
    ['a long extension', `a.${'x'.repeat(250)}`],
    ['a long name without one', 'ü'.repeat(127)],
    ['wide characters', `${'😀'.repeat(62)}.txt`],
  ])('shortens %s to 255 bytes, between characters', (_, name) => {
    const short = conflictPath(loser(`d/${name}`), 0)
    expect(bytes(nameOf(short))).toBeLessThanOrEqual(255)
    expect(bytes(nameOf(short))).toBeGreaterThan(250)
    expect(short.isWellFormed()).toBe(true)
    expect(isConflictCopy(short)).toBe(true)
  })

  it('is chosen by the loser alone, and differs for other losers and further attempts', () => {
    fc.assert(
      fc.property(anyLoser, ({ entry }) => {
        const restored = structuredClone({ ...entry, vector: { 'x.1': 4 } })
        expect(conflictPath(restored, 0)).toBe(conflictPath(entry, 0))
        const names = [0, 1, 2, 4, 5, 6].map((attempt) => conflictPath(entry, attempt))
        expect(new Set(names).size).toBe(names.length)
      }),
      often,
    )
  })
})

describe('isConflictCopy', () => {
  it('knows every name that was made here', () => {
    fc.assert(
      fc.property(anyLoser, anyAttempt, ({ entry }, attempt) => {
        expect(isConflictCopy(conflictPath(entry, attempt))).toBe(true)
      }),
      often,
    )
  })

  it.each([
    'notes.txt',
    'a (conflict).txt',
    'x (conflict 2024-10-04 me)/inside.txt',
    'f (conflict 24-10-04 me)',
    'f(conflict 2024-10-04 me)',
  ])('is not taken in by %s', (path) => {
    expect(isConflictCopy(path)).toBe(false)
  })
})

describe('conflictOrigin', () => {
  it('gives back the file and the node, unless the name had to be cut', () => {
    fc.assert(
      fc.property(anyLoser, anyAttempt, ({ entry, node }, attempt) => {
        const path = conflictPath(entry, attempt)
        fc.pre(bytes(nameOf(path)) < 250)
        expect(conflictOrigin(path)).toEqual({ original: entry.path, node })
      }),
      often,
    )
  })

  it.each<[string, string, object]>([
    [
      'a copy of a copy',
      'f (conflict 2024-10-04 a) (conflict 2024-10-05 b).txt',
      { original: 'f (conflict 2024-10-04 a).txt', node: 'b' },
    ],
    [
      'twice on one day',
      'f (conflict 2024-10-04 a) (conflict 2024-10-04 a).txt',
      { original: 'f (conflict 2024-10-04 a).txt', node: 'a' },
    ],
    [
      'a directory that is called so',
      'd (conflict 2024-10-04 a)/f (conflict 2024-10-04 a)',
      { original: 'd (conflict 2024-10-04 a)/f', node: 'a' },
    ],
    ['no copy', 'notes.txt', { original: 'notes.txt', node: '' }],
  ])('%s', (_, path, expected) => {
    expect(conflictOrigin(path)).toEqual(expected)
  })
})
