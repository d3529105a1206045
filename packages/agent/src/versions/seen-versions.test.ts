import { expect, test } from 'vitest'
import { SeenVersions } from './seen-versions.ts'

const version = (hash: string) => ({ path: 'f', hash, size: 1, mtimeUs: 1 })
const hashes = (seen: SeenVersions): string[] => seen.of('f').map(({ hash }) => hash)

test('a span that never ends does not hold on to all that comes after it; what was noted goes when much else was', () => {
  const seen = new SeenVersions()
  seen.begin().add([version('open')])
  for (let at = 0; at < 30; at++) {
    const span = seen.begin()
    span.add(Array.from({ length: 1000 }, (_, index) => ({ ...version(`${at}`), path: `${index}` })))
    span.end()
  }
  expect(hashes(seen)).toEqual(['open'])
  expect(seen.of('7').map(({ hash }) => hash)).toEqual(Array.from({ length: 19 }, (_, at) => `${at + 11}`))
  for (let at = 0; at < 5001; at++) seen.note({ ...version('n'), path: `noted ${at}` })
  expect([seen.of('noted 0'), seen.of('noted 1')]).toMatchObject([[], [{ hash: 'n' }]])
})

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
