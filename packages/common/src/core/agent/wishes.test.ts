import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEntry } from '../../testing/arbitraries.ts'
import { directory, file, tombstone } from '../../testing/entries.ts'
import type { Entry, Row } from '../causal/types.ts'
import type { Operation } from './events.ts'
import type { Wanted } from './state.ts'
import { isDirectoryInTheWay, operationsFor, wishFlag, wishFlags } from './wishes.ts'

const row = (entry: Entry): Row => ({ ...entry, seq: 1, stat: undefined })

function wish(entry: Entry, local: Entry | undefined, more: Partial<Wanted> = {}): Wanted {
  const none = { blockedBy: undefined, transit: undefined, attempts: 0, notBefore: 0, reason: '', isCleared: false }
  return { entry, local: local && row(local), need: 'take', keep: false, ...none, ...more }
}

const a = { a: 1 }
const b = { b: 1 }

describe('operationsFor', () => {
  it.each<[string, Entry, Entry | undefined, boolean, Operation[]]>([
    ['a new file is fetched', file('f', 'x', b), undefined, false, []],
    ['a newer file is fetched', file('f', 'x', b), file('f', 'y', a), false, []],
    ['the loser of a conflict is kept first', file('f', 'x', b), file('f', 'y', a), true, ['keep']],
    ['another mode', file('f', 'x', b, { mode: 0o755 }), file('f', 'x', a), false, ['chmod']],
    ['a link for a file', file('f', 'x', b, { kind: 'symlink' }), file('f', 'x', a), false, []],
    ['a deleted file', tombstone('f', b), file('f', 'y', a), false, ['remove']],
    ['a deleted file that lost a conflict', tombstone('f', b), file('f', 'y', a), true, ['keep', 'remove']],
    ['a deleted directory', tombstone('d', b, { kind: 'dir' }), directory('d', a), false, ['rmdir']],
    ['a new directory comes with the session', directory('d', b), undefined, false, []],
    ['a directory that came back', directory('d', b), tombstone('d', a, { kind: 'dir' }), false, []],
    ['a directory with another mode', directory('d', b, { mode: 0o700 }), directory('d', a), false, ['chmod']],
    ['a directory for a file', directory('f', b), file('f', 'y', a), false, ['remove', 'mkdir']],
    ['a directory for a file that lost', directory('f', b), file('f', 'y', a), true, ['keep', 'remove', 'mkdir']],
    ['a file for a directory is fetched over it', file('d', 'x', b), directory('d', a), false, []],
  ])('%s', (_, entry, local, keep, expected) => {
    expect(operationsFor(wish(entry, local, { keep }))).toEqual(expected)
  })

  it('is told apart from a plain fetch without making the list', () => {
    fc.assert(
      fc.property(anyEntry, fc.option(anyEntry, { nil: undefined }), fc.boolean(), (entry, local, keep) => {
        const wanted = wish(entry, local, { keep })
        expect((wishFlags(wanted) & wishFlag.operations) > 0).toBe(operationsFor(wanted).length > 0)
      }),
      { numRuns: 500 },
    )
  })
})

describe('isDirectoryInTheWay', () => {
  const transit = { mtimeUs: 1, ctimeUs: 2, size: 1, inode: 3, mode: 0o644 }
  it.each<[string, Wanted, boolean]>([
    ['a file for a directory', wish(file('d', 'x', b), directory('d', a)), true],
    ['a deleted directory', wish(tombstone('d', b), directory('d', a)), true],
    ['a directory for a directory', wish(directory('d', b), directory('d', a)), false],
    ['nothing there', wish(file('d', 'x', b), undefined), false],
    ['a deleted one there', wish(file('d', 'x', b), tombstone('d', a, { kind: 'dir' })), false],
    ['a file came there meanwhile', wish(file('d', 'x', b), directory('d', a), { transit }), false],
  ])('%s', (_, wanted, expected) => {
    expect(isDirectoryInTheWay(wanted)).toBe(expected)
  })
})
