import { expect, test } from 'vitest'
import { parseBytes, parseDuration, parseThroughput } from './units.ts'

test.each([
  ['10GiB', 10 * 2 ** 30],
  ['500 MB', 500e6],
  ['1.5k', 1500],
  ['1024', 1024],
  ['2KiB', 2048],
  ['5iB', undefined],
  ['-1MB', undefined],
  ['10 apples', undefined],
  ['', undefined],
])('parseBytes(%j) = %j', (text, bytes) => expect(parseBytes(text)).toBe(bytes))

test.each([
  ['10mbit', 1_250_000],
  ['10Mbit/s', 1_250_000],
  ['8kbps', 1000],
  ['1gbit', 125e6],
  ['1.2MB/s', 1_200_000],
  ['1MiB/s', 2 ** 20],
  ['0mbit', undefined],
  ['10', undefined],
  ['10MB', undefined],
])('parseThroughput(%j) = %j bytes per second', (text, rate) => expect(parseThroughput(text)).toBe(rate))

test.each([
  ['20ms', 20],
  ['1.5s', 1500],
  ['10m', 600_000],
  ['2 h', 7_200_000],
  ['1d', 86_400_000],
  ['20', undefined],
  ['-1s', undefined],
])('parseDuration(%j) = %j ms', (text, ms) => expect(parseDuration(text)).toBe(ms))
