import { createHash } from 'node:crypto'
import { formatHostPort, parseHostPort } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'
import { UsageError } from '@spansync/common/runtime/errors'

/** What the joining machine has to know: whom it joins, where that is, and what proves that it was invited. */
export interface InviteCode {
  readonly inviter: NodeId
  readonly secret: Buffer
  /** `host:port`, the likeliest first. */
  readonly addresses: readonly string[]
}

const version = 1
export const secretBytes = 16
const idBytes = 32
const sumBytes = 4
const mostAddresses = 8
/** Crockford's: no letter that is taken for a digit, and capitals only, which QR codes pack densely. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const groupLength = 6
const incomplete = 'a part of it is missing or mistyped'

/** Groups of capitals and digits with dashes between them, about 120 characters. It is a secret until it has been used. */
export function encodeInvite({ inviter, secret, addresses }: InviteCode): string {
  const places = addresses.slice(0, mostAddresses).map((address) => {
    const text = Buffer.from(address)
    return Buffer.concat([Buffer.of(text.length), text])
  })
  const body = Buffer.concat([Buffer.of(version), Buffer.from(inviter, 'hex'), secret, ...places])
  const text = toBase32(Buffer.concat([body, sumOf(body)]))
  return (text.match(new RegExp(`.{1,${groupLength}}`, 'g')) ?? []).join('-')
}

/** As people copy it: small letters, blanks and line breaks do not matter, nor O for 0 and I or L for 1. Throws UsageError. */
export function decodeInvite(text: string): InviteCode {
  const bytes = fromBase32(text.replace(/[\s-]/g, '').toUpperCase())
  if (bytes === undefined || bytes.length < 1 + idBytes + secretBytes + sumBytes)
    throw notACode('it is too short, or has other characters')
  const body = bytes.subarray(0, -sumBytes)
  if (!sumOf(body).equals(bytes.subarray(-sumBytes))) throw notACode(incomplete)
  if (body[0] !== version) throw notACode('it was made by another version of spansync')
  const inviter = body.toString('hex', 1, 1 + idBytes) as NodeId
  const secret = Buffer.from(body.subarray(1 + idBytes, 1 + idBytes + secretBytes))
  return { inviter, secret, addresses: addressesIn(body.subarray(1 + idBytes + secretBytes)) }
}

function addressesIn(bytes: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0
    const place = parseHostPort(bytes.toString('utf8', at + 1, at + 1 + length))
    if (place === undefined || place.port === 0) throw notACode('an address in it cannot be read')
    found.push(formatHostPort(place))
    at += 1 + length
  }
  return found.slice(0, mostAddresses)
}

function notACode(why: string): UsageError {
  return new UsageError(
    `that is no invitation: ${why}`,
    'copy all of what `spansync invite` printed, or make a new one there',
    'bad_code',
  )
}

function sumOf(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, sumBytes)
}

function toBase32(bytes: Buffer): string {
  let [text, value, bits] = ['', 0, 0]
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += alphabet[(value >>> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(value << (5 - bits)) & 31]
}

/** Undefined when a character is none of the alphabet. Throws when the rest bits are not zero. */
function fromBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let [value, bits] = [0, 0]
  for (const letter of text.replaceAll('O', '0').replace(/[IL]/g, '1')) {
    const digit = alphabet.indexOf(letter)
    if (digit < 0) return undefined
    value = (value << 5) | digit
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(value >>> bits)
    }
    value &= (1 << bits) - 1
  }
  if (value !== 0) throw notACode(incomplete)
  return Buffer.from(bytes)
}
