import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileFilter, type FilterLayer, wants } from './filter.ts'

const layer = (some: Omit<FilterLayer, 'placeOf'>, level: 'network' | 'folder' = 'folder'): FilterLayer => ({
  ...some,
  placeOf: (key) => ({ level, key }),
})
const file = (path: string, size = 10) => ({ path, kind: 'file' as const, size })

describe('one layer', () => {
  test.each<[Omit<FilterLayer, 'placeOf'>, string, number, string | undefined]>([
    [{}, 'a/b.txt', 1, undefined],
    [{ exclude: ['*.iso'] }, 'a/b.iso', 1, 'exclude'],
    [{ exclude: ['/a'] }, 'a/b.txt', 1, 'exclude'],
    [{ exclude: ['type:video'] }, 'films/A.MKV', 1, 'exclude'],
    [{ exclude: ['type:video'] }, 'src/a.ts', 1, undefined],
    [{ include: ['type:document', 'notes'] }, 'a.PDF', 1, undefined],
    [{ include: ['type:document', 'notes'] }, 'notes/a.jpg', 1, undefined],
    [{ include: ['type:document', 'notes'] }, 'a.jpg', 1, 'include'],
    [{ include: ['*.jpg'], exclude: ['/private'] }, 'private/a.jpg', 1, 'exclude'],
    [{ maxSize: 5 }, 'a', 5, undefined],
    [{ maxSize: 5 }, 'a', 6, 'max_size'],
    [{ minSize: 5 }, 'a', 4, 'min_size'],
    [{ include: ['*'] }, '.spansync/x', 1, 'reserved'],
  ])('%j: %s of %i bytes: %s', (some, path, size, rule) => {
    expect(compileFilter([layer(some)]).unwanted(file(path, size))?.rule).toBe(rule)
  })

  test('directories are there for what may lie in them, whatever files are wanted', () => {
    const filter = compileFilter([layer({ include: ['*.pdf'], maxSize: 1, exclude: ['/old'] })])
    expect(wants(filter, { path: 'docs', kind: 'dir', size: 4096 })).toBe(true)
    expect(wants(filter, { path: 'old', kind: 'dir', size: 0 })).toBe(false)
  })
})

test('says which pattern, and where', () => {
  const filter = compileFilter([layer({ exclude: ['*.tmp'] }, 'network'), layer({ exclude: ['*.a', 'type:audio'] })])
  expect(filter.unwanted(file('x.mp3'))).toEqual({
    rule: 'exclude',
    where: { level: 'folder', key: 'exclude' },
    pattern: 'type:audio',
  })
  expect(filter.unwanted(file('x.tmp'))).toMatchObject({ where: { level: 'network' }, pattern: '*.tmp' })
  expect(filter.exclude).toEqual(expect.arrayContaining(['*.tmp', '*.a', '*.[mM][pP]3']))
})

test('each layer can only narrow what the others leave', () => {
  const patterns = fc.option(fc.subarray(['*.a', '*.b', '/x', 'type:audio', 'x/*.a']), { nil: undefined })
  const sizes = fc.option(fc.nat(20), { nil: undefined })
  const anyLayer = fc.record({ include: patterns, exclude: patterns, minSize: sizes, maxSize: sizes })
  const anyFile = fc.record({
    path: fc.constantFrom('q.a', 'x/q.a', 'x/q.b', 'q.mp3', 'y/q'),
    kind: fc.constantFrom('file' as const, 'dir' as const),
    size: fc.nat(20),
  })
  fc.assert(
    fc.property(fc.array(anyLayer, { maxLength: 3 }), anyFile, (some, entry) => {
      const each = some.every((one) => wants(compileFilter([layer(one)]), entry))
      expect(wants(compileFilter(some.map((one) => layer(one))), entry)).toBe(each)
    }),
  )
})
