import { arrived, file, folder, written } from '@spansync/common/testing/entries'
import { expect, test } from 'vitest'
import { isSilentlyChanged, isTorn } from './damage.ts'

const local = { ...file('f', 'abc', { 'a.1': 1 }), seq: 1, stat: arrived('abc').stat }
const stat = arrived('abc').stat

test.each([
  ['the same', arrived('abc'), false, false],
  ['other bytes, the same signature', { ...arrived('xyz'), stat }, true, false],
  ['other bytes, a new time', written('xyz', { mtimeUs: 6_000_000 }), false, false],
  ['shorter, the same time and inode', arrived('a'), false, true],
  ['empty, the same time and inode', arrived(''), false, true],
  [
    'shorter, the same time, another inode',
    { ...arrived('a'), stat: { ...arrived('a').stat, inode: 9 } },
    false,
    false,
  ],
  ['shorter, a new time', written('a', { mtimeUs: 6_000_000 }), false, false],
  ['a directory', folder(), false, false],
  ['nothing', undefined, false, false],
])('%s', (_, disk, silently, torn) => {
  expect([isSilentlyChanged({ path: 'f', local, disk }), isTorn({ path: 'f', local, disk })]).toEqual([silently, torn])
})
