import { expect, test } from 'vitest'
import { CycleReader, type CycleResult } from './cycle-reader.ts'

function read(...chunks: string[]): CycleResult[] {
  const results: CycleResult[] = []
  const reader = new CycleReader((result) => results.push(result))
  for (const chunk of chunks) reader.push(chunk)
  return results
}

const none = { transferred: 0, skipped: 0, failed: 0 }

test.each<[string, readonly string[], readonly CycleResult[]]>([
  ['nothing changed', ['Nothing to do: replicas have not changed since last sync.\n'], [none]],
  [
    'equal on both sides',
    ['Nothing to do: replicas have been changed only in identical ways since last sync.\n'],
    [none],
  ],
  [
    'one item',
    ['Synchronization complete at 11:32:51  (1 item transferred, 0 skipped, 0 failed)\n'],
    [{ ...none, transferred: 1 }],
  ],
  [
    'some left',
    ['Synchronization incomplete at 11:32:51  (2 items transferred, 3 skipped, 4 failed)\n'],
    [{ transferred: 2, skipped: 3, failed: 4 }],
  ],
  [
    'partially',
    ['Synchronization incomplete at 1:2:3  (2 items transferred, 1 partially transferred, 0 skipped, 1 failed)\n'],
    [{ transferred: 2, skipped: 0, failed: 1 }],
  ],
  [
    'after progress',
    [
      '100%  00:00 ETA\r               \rSynchronization complete at 1:2:3  (1 item transferred, 0 skipped, 0 failed)\n',
    ],
    [{ ...none, transferred: 1 }],
  ],
  ['in pieces', ['Nothing to d', 'o: replicas', '\n'], [none]],
  ['inside another line', ['[BGN] Copying Nothing to do: x\n'], []],
])('%s', (_, chunks, results) => expect(read(...chunks)).toEqual(results))
