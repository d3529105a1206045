import { expect, test } from 'vitest'
import { fingerprintProblem, formatHostPort, normaliseFingerprint, parseHostPort } from './values.ts'

test.each([
  ['nas:22070', { host: 'nas', port: 22070 }],
  ['192.0.2.7:1', { host: '192.0.2.7', port: 1 }],
  ['[2001:db8::7]:22070', { host: '2001:db8::7', port: 22070 }],
  ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ['2001:db8::7:22070', undefined],
  ['[nas]:1', undefined],
  ['nas', undefined],
  ['nas:', undefined],
  ['nas:99999', undefined],
  [':22070', undefined],
  ['http://nas:1', undefined],
  ['a b:1', undefined],
])('parseHostPort(%j)', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected)
  if (expected !== undefined) expect(formatHostPort(expected)).toBe(text)
})

test('fingerprints are taken as people paste them', () => {
  expect(normaliseFingerprint('AB:'.repeat(31).concat('AB'))).toBe('ab'.repeat(32))
  expect(normaliseFingerprint(' '.concat('0f'.repeat(32), '\n'))).toBe('0f'.repeat(32))
  expect(normaliseFingerprint('ab')).toBeUndefined()
  expect(fingerprintProblem('ab:cd')).toContain('this one has 4')
  expect(fingerprintProblem('hello')).toContain('64 hexadecimal digits')
})
