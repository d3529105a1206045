import type { FetchItem } from '@spansync/common/core/agent/events'
import { directory, fetchItem, file } from '@spansync/common/testing/entries'
import { expect, test } from 'vitest'
import { coversOf, type Surroundings, untouchedBy } from './covers.ts'

const filesIn = (path: string, count: number): FetchItem[] =>
  Array.from({ length: count }, (_, at) => fetchItem(file(path === '' ? `${at}` : `${path}/${at}`, `${at}`, {})))
const dir = (path: string): FetchItem => fetchItem(directory(path, {}))

/** Everything is new, unless said otherwise. */
function covers(items: readonly FetchItem[], more: { [K in keyof Surroundings]?: readonly string[] } = {}) {
  const untouched = new Set(more.untouched ?? untouchedBy(items, { hasBelow: () => false }))
  const found = coversOf(items, { untouched, empty: new Set(more.empty), partial: new Set(more.partial) })
  return { ...found, directories: found.directories.map(({ path }) => path), paths: found.paths.length }
}

test('a new directory with many files comes whole, one with few does not', () => {
  const items = [dir('many'), ...filesIn('many', 20), dir('few'), ...filesIn('few', 3), ...filesIn('', 50)]
  expect(covers(items)).toEqual({ covers: ['many'], directories: ['few'], paths: 53 })
})

test('of nested ones the outermost, unless most of everything is in it', () => {
  const inner = [dir('a'), dir('a/b'), ...filesIn('a/b', 20)]
  expect(covers([...inner, ...filesIn('', 50)]).covers).toEqual(['a'])
  const all = [...inner, dir('a/c'), ...filesIn('a/c', 20)]
  expect(covers(all)).toEqual({ covers: ['a/b', 'a/c'], directories: ['a'], paths: 0 })
})

test('a directory without children that holds nearly everything is made, and filled by one cover', () => {
  const items = [dir('wide'), ...filesIn('wide', 500)]
  expect(covers(items)).toEqual({ covers: ['wide'], directories: ['wide'], paths: 0 })
})

test('never one whose name Unison takes for a pattern', () => {
  expect(covers([dir('d/*'), ...filesIn('d/*', 20), ...filesIn('', 50)]).covers).toEqual([])
})

test('there is more of it to come: file by file, or the session would bring what nobody has told of', () => {
  const items = [dir('wide'), ...filesIn('wide', 500)]
  expect(covers(items, { partial: ['wide'] })).toEqual({ covers: [], directories: ['wide'], paths: 500 })
})

test('a directory that is here already is a cover when nothing ever was in it', () => {
  const items = filesIn('here', 20)
  expect(covers(items, { empty: ['here'] }).covers).toEqual(['here'])
  expect(covers(items, { empty: [] }).covers).toEqual([])
  expect(covers(items, { empty: ['here'], untouched: [] }).covers).toEqual([])
  expect(covers([dir('d'), ...filesIn('d', 20), ...filesIn('', 50)], { untouched: [] }).covers).toEqual([])
})
