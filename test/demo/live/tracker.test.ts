import { expect, test } from 'vitest'
import type { Seen } from './seen.ts'
import { type Change, ChangeTracker } from './tracker.ts'

let inode = 100

function file(content: string, more: Partial<Seen> = {}): Seen {
  inode += 1
  return { kind: 'file', content, executable: false, inode, stamp: `${inode}`, ...more }
}

/** a, b and c; `there`: what each holds at the start. */
function tracker(there: Record<'a' | 'b' | 'c', Record<string, Seen>> = { a: {}, b: {}, c: {} }) {
  const tracked = new ChangeTracker(
    new Map(Object.entries(there).map(([node, seen]) => [node, new Map(Object.entries(seen))])),
    0,
  )
  let at = 0
  const see = (node: string, content: string | undefined): Change | undefined => {
    at += 10
    return tracked.observe(node, { path: 'f', now: content === undefined ? undefined : file(content), at })
  }
  return { tracked, see }
}

const times = (change: Change | undefined) => Object.fromEntries(change?.arrivals ?? [])

test('a new file and its arrivals are one change', () => {
  const { tracked, see } = tracker()
  const change = see('a', 'x')
  expect([see('b', 'x'), tracked.missing(change as Change)]).toEqual([undefined, ['c']])
  expect(see('c', 'x')).toBeUndefined()
  expect([change?.origin, change?.at, times(change), tracked.isComplete(change as Change)]).toEqual([
    'a',
    10,
    { b: 20, c: 30 },
    true,
  ])
})

test('the same content again is nothing', () => {
  const { see } = tracker()
  see('a', 'x')
  expect([see('a', 'x'), see('b', 'x'), see('b', 'x')]).toEqual([undefined, undefined, undefined])
})

test('a file that is being written is new only once, and was never empty', () => {
  const { see } = tracker()
  const first = see('a', '')
  const second = see('a', 'x')
  expect([first?.superseded, second?.before]).toEqual([true, undefined])
  for (const node of ['b', 'c']) see(node, 'x')
  const gone = see('a', undefined)
  expect(gone?.before?.content).toBe('x')
})

test('a version on its way is still recognised when a newer one has followed it', () => {
  const { see } = tracker()
  const [one, two] = [see('a', '1'), see('a', '2')]
  expect([see('b', '1'), see('b', '2'), see('c', '2')]).toEqual([undefined, undefined, undefined])
  expect([one?.superseded, times(one), times(two)]).toEqual([true, { b: 30 }, { b: 40, c: 50 }])
})

test('who goes back to an old content has made a change', () => {
  const { see } = tracker()
  see('a', '')
  see('a', 'x')
  for (const node of ['b', 'c']) see(node, 'x')
  expect(see('b', '')?.origin).toBe('b')
})

test.each([
  ['the first', '1', 'b'],
  ['the second', '2', 'a'],
])('of two edits at once %s wins', (_, winner, loser) => {
  const { see } = tracker()
  const [one, two] = [see('a', '1'), see('b', '2')]
  expect([see(loser, winner), see('c', winner)]).toEqual([undefined, undefined])
  const [won, lost] = winner === '1' ? [one, two] : [two, one]
  expect([won?.superseded, lost?.superseded, Object.keys(times(won)).sort()]).toEqual([
    false,
    true,
    [loser, 'c'].sort(),
  ])
})

test('what was different at the start comes from where it was', () => {
  const { see } = tracker({ a: { f: file('x') }, b: {}, c: {} })
  const change = see('b', 'x')
  see('c', 'x')
  expect([change?.origin, change?.at, times(change)]).toEqual(['a', 0, { b: 10, c: 20 }])
})

test('what was deleted before it got everywhere is complete where it never was', () => {
  const { tracked, see } = tracker()
  see('a', 'x')
  see('b', 'x')
  const gone = see('a', undefined)
  expect(tracked.missing(gone as Change)).toEqual(['b'])
})
