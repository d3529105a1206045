import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatDuration, formatMs, plural, printable } from './format.ts'
import { displayWidth, painter, renderTable } from './table.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [19_500_000, '19.5 MB'],
  [999_950, '1.0 MB'],
  [123_456_789, '123 MB'],
  [5e15, '5.0 PB'],
])('formatBytes(%d) = %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test('counts, times and durations', () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([plural(1, 'file'), plural(2000, 'file'), plural(2, 'directory')]).toEqual([
    '1 file',
    '2,000 files',
    '2 directories',
  ])
  expect([0.42, 12.4, 1234].map(formatMs)).toEqual(['0.4 ms', '12 ms', '1.2 s'])
  expect([0, 59_999, 60_000, 11_520_000, 86_400_000 * 2 + 1000].map(formatDuration)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '3 h 12 min',
    '2 d',
  ])
})

test('names from elsewhere cannot move the cursor, forge lines, or turn the text around', () => {
  expect(printable('a\u001b[2Jb\nc\u202ed\u009b')).toBe('a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}')
  expect(printable('ünïcödé 日本 👍')).toBe('ünïcödé 日本 👍')
})

test('columns line up, also with wide letters and colours', () => {
  const lines = renderTable(
    [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'PATH' }],
    [['日本', { text: '5', style: 'red' }, '/x'], '  under it', ['a', '1000', '']],
    painter(false),
  )
  expect(lines).toEqual(['NAME  SIZE  PATH', '日本     5  /x', '  under it', 'a     1000'])
  expect(renderTable([{ title: 'N' }], [[{ text: 'x', style: 'red' }]], painter(true))[1]).toBe('\u001b[31mx\u001b[39m')
  expect([displayWidth('é'), displayWidth('日本'), displayWidth('👍')]).toEqual([1, 4, 2])
})
