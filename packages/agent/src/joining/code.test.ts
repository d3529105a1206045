import { randomBytes } from 'node:crypto'
import type { NodeId } from '@spansync/common/core/causal/types'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeInvite, encodeInvite } from './code.ts'

const code = {
  inviter: 'ab'.repeat(32) as NodeId,
  secret: randomBytes(16),
  addresses: ['192.0.2.7:22070', '[2001:db8::7]:22070', 'home.example.org:443'],
}

it('comes back as it was, whatever its secret and addresses', () => {
  const secret = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const address = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
    fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
  )
  fc.assert(
    fc.property(secret, fc.array(address, { maxLength: 8 }), (bytes, addresses) => {
      const made = { ...code, secret: Buffer.from(bytes), addresses }
      expect(decodeInvite(encodeInvite(made))).toEqual(made)
    }),
  )
})

it('is read as people copy it', () => {
  const text = encodeInvite(code)
  expect(text).toMatch(/^([0-9A-Z]{6}-)+[0-9A-Z]{1,6}$/)
  const copied = text.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').replaceAll('-', ' \n')
  expect(decodeInvite(copied)).toEqual(code)
})

describe('is refused, with its cause and remedy', () => {
  const text = encodeInvite(code)
  it.each([
    ['nothing', '', /too short/],
    ['something else', 'hello, world!', /other characters/],
    ['the end missing', text.slice(0, -4), /missing or mistyped/],
    ['one character mistyped', `${text[0] === '2' ? '3' : '2'}${text.slice(1)}`, /missing or mistyped/],
    ['two groups swapped', text.replace(/^(\w+)-(\w+)/, '$2-$1'), /missing or mistyped/],
  ])('%s', (_what, bad, why) => {
    expect(() => decodeInvite(bad)).toThrow(
      expect.objectContaining({
        code: 'bad_code',
        message: expect.stringMatching(why),
        remedy: expect.stringContaining('spansync invite'),
      }),
    )
  })

  it('whatever one changes in it', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), (at, letter) => {
        fc.pre(text[at] !== letter && text[at] !== '-')
        expect(() => decodeInvite(text.slice(0, at) + letter + text.slice(at + 1))).toThrow()
      }),
    )
  })
})
