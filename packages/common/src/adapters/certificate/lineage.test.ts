import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { idOfCertificate, lineageOf } from './lineage.ts'
import { makeNodeCertificate } from './make.ts'

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')

type Pem = Awaited<ReturnType<typeof makeNodeCertificate>>
const derOf = ({ cert }: Pem): Buffer => new X509Certificate(cert).raw

async function replace(before: Pem): Promise<Pem> {
  return await makeNodeCertificate({ ...before, id: idOfCertificate(derOf(before)) })
}

/** A new key, and one after it: what can be forged. */
let old: Pem
let renewed: Buffer
let last: Buffer
beforeAll(async () => {
  old = await makeNodeCertificate()
  const next = await replace(old)
  renewed = derOf(next)
  last = derOf(await replace(next))
})

/** What the certificate's own key has signed. */
const signedOf = (der: Buffer): Buffer => der.subarray(4, 8 + der.readUInt16BE(6))

function signatureOf(der: Buffer): { readonly r: bigint; readonly s: bigint } {
  const rest = der.subarray(4 + signedOf(der).length + algorithm.length + 5)
  const [r, s] = [rest.subarray(2, 2 + (rest[1] ?? 0)), rest.subarray(4 + (rest[1] ?? 0))]
  const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
  return { r: numberOf(r), s: numberOf(s) }
}

function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function integer(value: bigint, { padding = 0 } = {}): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return element(2, Buffer.alloc(padding + ((bytes[0] ?? 0) > 127 ? 1 : 0)), bytes)
}

interface Around {
  readonly algorithm?: Uint8Array
  readonly signature?: Uint8Array
  /** The first is the number of unused bits. */
  readonly bits?: Uint8Array
  /** Behind the signature. */
  readonly rest?: Uint8Array
}

/** The same signed part with other bytes around it. */
function around(der: Buffer, more: Around = {}): Buffer {
  const { r, s } = signatureOf(der)
  const { signature = element(0x30, integer(r), integer(s)), rest = Buffer.alloc(0) } = more
  const bits = element(3, more.bits ?? Buffer.concat([Buffer.from([0]), signature]))
  return element(0x30, signedOf(der), more.algorithm ?? algorithm, bits, rest)
}

const nothing = Buffer.from([5, 0])

/** With another encoding of the signature. */
function signed(der: Buffer, parts: (own: { r: bigint; s: bigint }) => readonly Buffer[]): Buffer {
  return around(der, { signature: element(0x30, ...parts(signatureOf(der))) })
}

function withUnused(der: Buffer, count: number): Buffer {
  const { r, s } = signatureOf(der)
  return Buffer.concat([Buffer.from([count]), element(0x30, integer(r), integer(s))])
}

/** Claims on a place that others have. */
const claims = (der: Uint8Array, replaces: string): string[] =>
  lineageOf(der).flatMap((one) => (one.replaces === replaces ? [one.subject] : []))

describe('a certificate has one form only', () => {
  it('which is the one that is made, whatever its signature begins with', async () => {
    for (let count = 0; count < 50; count++) {
      const der = derOf(await replace(old))
      expect(around(der).equals(der)).toBe(true)
      expect(claims(der, idOfCertificate(derOf(old)))).toEqual([idOfCertificate(der)])
    }
  })

  const forgeries: readonly (readonly [string, (der: Buffer) => Buffer])[] = [
    ['a byte behind it', (der) => Buffer.concat([der, Buffer.alloc(1)])],
    [
      'the other signature that is as good, n - s',
      (der) => signed(der, ({ r, s }) => [integer(r), integer(order - s)]),
    ],
    ['a zero before r', (der) => signed(der, ({ r, s }) => [integer(r, { padding: 1 }), integer(s)])],
    ['a zero before s', (der) => signed(der, ({ r, s }) => [integer(r), integer(s, { padding: 1 })])],
    ['n more than s', (der) => signed(der, ({ r, s }) => [integer(r), integer(order + s)])],
    ['something behind s', (der) => signed(der, ({ r, s }) => [integer(r), integer(s), integer(1n)])],
    ['a longer length', (der) => Buffer.concat([Buffer.from([0x30, 0x83, 0]), der.subarray(2)])],
    ['a length without end', (der) => Buffer.concat([Buffer.from([0x30, 0x80]), der.subarray(4), Buffer.alloc(2)])],
    ['bits that do not count', (der) => around(der, { bits: withUnused(der, 1) })],
    ['something behind the signature', (der) => around(der, { rest: integer(1n) })],
    ['parameters of the algorithm', (der) => around(der, { algorithm: element(0x30, algorithm.subarray(2), nothing) })],
    ['another algorithm', (der) => around(der, { algorithm: Buffer.from('300a06082a8648ce3d040303', 'hex') })],
  ]

  it.each(forgeries)('and not one with %s', (_what, forge) => {
    for (const der of [renewed, last]) {
      const forged = forge(der)
      expect(forged.equals(der)).toBe(false)
      expect(lineageOf(forged)).toEqual([])
    }
  })

  it('so no other bytes around what is signed make a second heir', () => {
    const places = (der: Buffer): number[] => {
      const [from, to] = [4, 4 + signedOf(der).length]
      return [...der.keys(), der.length].filter((at) => at < from || at >= to)
    }
    const edit = fc.record({ at: fc.nat(), gone: fc.nat({ max: 3 }), put: fc.uint8Array({ maxLength: 3 }) })
    fc.assert(
      fc.property(fc.boolean(), fc.array(edit, { minLength: 1, maxLength: 4 }), (isLast, edits) => {
        const der = isLast ? last : renewed
        const open = places(der)
        const forged = edits.reduce((bytes, { at, gone, put }) => {
          const place = open[at % open.length] ?? 0
          return Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + gone)])
        }, der)
        expect(lineageOf(forged)).toEqual(forged.equals(der) ? lineageOf(der) : [])
      }),
      { numRuns: 1500 },
    )
  })

  it('so no byte of it can be another', () => {
    for (const [at] of renewed.entries()) {
      for (const by of [0x01, 0x80]) {
        const forged = Buffer.from(renewed)
        forged[at] = (forged[at] ?? 0) ^ by
        expect(lineageOf(forged)).toEqual([])
      }
    }
  })
})
