import { describe, expect, test } from 'vitest'
import { itemsOf } from './items.ts'
import { renderItem } from './lines.ts'
import type { Seen } from './seen.ts'
import type { Change } from './tracker.ts'

function seen(inode: number, more: Partial<Seen> = {}): Seen {
  return { kind: 'file', content: `content ${inode}`, executable: false, inode, stamp: '', ...more }
}

const dir = (inode: number): Seen => seen(inode, { kind: 'dir', content: '' })

function change(path: string, before: Seen | undefined, now: Seen | undefined, more: Partial<Change> = {}): Change {
  const latin1 = Buffer.from(path).toString('latin1')
  return {
    path: latin1,
    origin: 'laptop',
    before,
    now,
    at: 0,
    arrivals: new Map(),
    had: new Set(),
    superseded: false,
    ...more,
  }
}

const textsOf = (...changes: Change[]): string[] => itemsOf(changes).map(({ text }) => text)

describe('one change', () => {
  test.each([
    ['a new file', change('f.txt', undefined, seen(1)), ['f.txt']],
    ['an edit', change('f.txt', seen(1), seen(1, { content: 'other' })), ['f.txt edited']],
    ['a deletion', change('f.txt', seen(1), undefined), ['f.txt deleted']],
    ['a permission', change('f', seen(1), seen(1, { executable: true })), ['f made executable']],
    ['a permission taken', change('f', seen(1, { executable: true }), seen(1)), ['f no longer executable']],
    ['an empty directory', change('d', undefined, dir(1)), ['d/']],
    [
      'a conflict copy',
      change('n (conflict 2026-11-22 laptop).txt', undefined, seen(1)),
      ['n (conflict 2026-11-22 laptop).txt, conflict copy of n.txt'],
    ],
    ['an odd name', change('two\nlines é', undefined, seen(1)), ['two\\nlines é']],
    ['what came and went', change('f', undefined, undefined), []],
    ['what was superseded', change('f', undefined, seen(1), { superseded: true }), []],
  ] as const)('%s', (_, one, texts) => {
    expect(textsOf(one)).toEqual(texts)
  })
})

describe('several changes at once', () => {
  test('a rename', () => {
    expect(textsOf(change('a', seen(1), undefined), change('b', undefined, seen(1)))).toEqual(['a renamed to b'])
  })

  test('an inode that was used again is no rename', () => {
    const changes = [change('a', seen(1), undefined), change('b', undefined, seen(1, { content: 'other' }))]
    expect(textsOf(...changes)).toEqual(['a deleted', 'b'])
  })

  test('a new directory with what is in it', () => {
    const changes = [
      change('d/e/g', undefined, seen(4)),
      change('d', undefined, dir(1)),
      change('d/e', undefined, dir(2)),
      change('d/f', undefined, seen(3)),
    ]
    expect(textsOf(...changes)).toEqual(['d/ with 2 files'])
  })

  test('a renamed directory with what is in it, and what was edited in it', () => {
    const changes = [
      change('d', dir(1), undefined),
      change('d/f', seen(2), undefined),
      change('e', undefined, dir(1)),
      change('e/f', undefined, seen(2)),
      change('e/g', undefined, seen(3)),
    ]
    expect(textsOf(...changes)).toEqual(['d/ with 1 file renamed to e/', 'e/g'])
  })

  test('a deleted directory', () => {
    expect(textsOf(change('d/f', seen(2), undefined), change('d', dir(1), undefined))).toEqual([
      'd/ with 1 file deleted',
    ])
  })

  test('many become one line', () => {
    const many = Array.from({ length: 1000 }, (_, index) => change(`m/${index}`, undefined, seen(index)))
    expect(textsOf(...many)).toEqual(['1,000 new in m/'])
    expect(textsOf(...many, change('f', seen(7777), undefined))).toEqual(['1 deleted, 1,000 new'])
  })
})

test('a line names the replicas in the order in which they had it', () => {
  const one = change('f', undefined, seen(1), {
    at: 100,
    arrivals: new Map([
      ['desktop', 193.4],
      ['server', 141],
    ]),
  })
  const [item] = itemsOf([one])
  const paint = (_: unknown, text: string): string => text
  if (item === undefined) throw new Error('no item')
  expect(renderItem(item, [], paint)).toBe('laptop  f → server 41 ms → desktop 93 ms')
  expect(renderItem(item, ['desktop'], paint)).toBe('laptop  f → server 41 ms → desktop not yet')
})
