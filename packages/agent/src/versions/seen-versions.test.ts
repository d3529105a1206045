import { expect, test } from 'vitest'
import { SeenVersions } from './seen-versions.ts'

const version = (hash: string) => ({ path: 'f', hash, size: 1, mtimeUs: 1 })
const hashes = (seen: SeenVersions): string[] => seen.of('f').map(({ hash }) => hash)

test('a span is remembered as long as it is open, and as long as one that was open at its end', () => {
  const seen = new SeenVersions()
  const first = seen.begin()
  first.add([version('1')])
  const second = seen.begin()
  second.add([version('2')])
  first.end()
  expect(hashes(seen)).toEqual(['1', '2'])
  const third = seen.begin()
  third.add([version('3')])
  second.end()
  // Nothing that was open at the end of the first is open any more.
  expect(hashes(seen)).toEqual(['2', '3'])
  third.end()
  expect(hashes(seen)).toEqual([])
})
