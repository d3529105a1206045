import { type KeyObject, verify } from 'node:crypto'
import { X509Certificate as ReadableCertificate } from '@peculiar/x509'

// The hash of a certificate is an id, so a certificate must have one form only. What its key has signed nobody else can change. The
// bytes around it anybody could: of each ECDSA signature (r, s) there is a second one (r, n - s), and readers of DER are lenient. So all of
// them have to be what they are here.

/** n, the order of P-256 (SEC 2, 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const scalarBytes = 32
const encoding = { dsaEncoding: 'ieee-p1363' } as const

/** ecdsa-with-SHA256, without parameters (RFC 5758, 3.2). */
const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')
const [sequenceTag, integerTag, bitsTag] = [0x30, 0x02, 0x03]
/** A certificate of ours is longer than 255 bytes, and shorter than 64 KiB. */
const headerBytes = 4
/** Before the signature: BIT STRING, its length, no unused bits. */
const bitsBytes = 3

/** Of the two signatures that are as good the one with the smaller s. `signature`: of P-256, r and s in 64 bytes. */
export function isLow(signature: Uint8Array): boolean {
  return numberIn(signature.subarray(scalarBytes)) <= order / 2n
}

/** Takes and answers 64 bytes. */
export function lowered(signature: Uint8Array): Buffer {
  if (isLow(signature)) return Buffer.from(signature)
  // Of an s beyond n, too, it makes another: that one is no signature at all.
  const s = BigInt.asUintN(8 * scalarBytes, order - numberIn(signature.subarray(scalarBytes)))
  const bytes = Buffer.from(s.toString(16).padStart(2 * scalarBytes, '0'), 'hex')
  return Buffer.concat([signature.subarray(0, scalarBytes), bytes])
}

/** On P-256, on which alone `isLow` says something. */
export function isNodeKey(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

/** The form that counts, of a certificate in DER that a P-256 key has signed. Throws when it is no certificate at all. */
export function canonicalForm(der: Uint8Array): Buffer {
  return partsOf(der).form
}

/** In the form that counts, and signed by this key, which is its own: without that nobody can make another that is as good. Throws when it
 *  is no certificate at all. */
export function isCanonical(der: Uint8Array, ownKey: KeyObject): boolean {
  const { form, signed, signature } = partsOf(der)
  return form.equals(der) && verify('sha256', signed, { key: ownKey, ...encoding }, signature)
}

/** `form` follows from the other two alone. */
interface Parts {
  readonly form: Buffer
  readonly signed: Uint8Array
  /** 64 bytes. */
  readonly signature: Buffer
}

/** Finds them where they are in a well-made certificate. Of any other the form is not what it was read from. */
function partsOf(der: Uint8Array): Parts {
  const value = Buffer.from(new ReadableCertificate(new Uint8Array(der)).signature)
  const signed = der.subarray(headerBytes, der.length - algorithm.length - bitsBytes - value.length)
  // SEQUENCE and its length, INTEGER and its length, r, INTEGER and its length, s.
  const afterR = 4 + (value[3] ?? 0)
  const signature = lowered(Buffer.concat([fixed(value.subarray(4, afterR)), fixed(value.subarray(afterR + 2))]))
  const [r, s] = [signature.subarray(0, scalarBytes), signature.subarray(scalarBytes)]
  const bits = element(bitsTag, Buffer.from([0]), element(sequenceTag, integer(r), integer(s)))
  const form = Buffer.concat([header(signed.length + algorithm.length + bits.length), signed, algorithm, bits])
  return { form, signed, signature }
}

function header(length: number): Buffer {
  return Buffer.from([sequenceTag, 0x82, length >> 8, length & 0xff])
}

/** Of less than 128 bytes. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}

/** As short as can be, and never negative. */
function integer(scalar: Uint8Array): Buffer {
  const first = scalar.findIndex((byte) => byte !== 0)
  const shortest = scalar.subarray(first === -1 ? scalarBytes - 1 : first)
  return element(integerTag, ...((shortest[0] ?? 0) > 127 ? [Buffer.alloc(1)] : []), shortest)
}

/** In 32 bytes; what is longer is no scalar, and loses its beginning. */
function fixed(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(scalarBytes), bytes]).subarray(-scalarBytes)
}

function numberIn(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
