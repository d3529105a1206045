import 'reflect-metadata'
import { createHash, sign, verify, X509Certificate } from 'node:crypto'
import { Extension, X509Certificate as ReadableCertificate } from '@peculiar/x509'
import type { NodeId } from '../../core/causal/types.ts'
import { longestLineage, type Rotation } from '../../core/roster/rotation.ts'
import { isCanonical, isLow, isNodeKey, lowered } from './canonical.ts'

// The certificate of a key that has replaced another holds the other's certificate, and the old key's signature on the new one. So the
// handshake itself shows whose place it takes, also to a machine that knows nothing but the old id.

/** Below an arc that anybody may use (ITU-T X.667). */
const lineageOid = '2.25.1932048071.1'
const signatureBytes = 64
const mostBytes = 8192

const encoding = { dsaEncoding: 'ieee-p1363' } as const

/** SHA-256 of the certificate's DER form, in lower-case hex. */
export function idOfCertificate(der: Uint8Array): NodeId {
  return createHash('sha256').update(der).digest('hex') as NodeId
}

/** The predecessor of the key that a certificate is made for: both in PEM. */
export interface Predecessor {
  readonly id: NodeId
  readonly key: string
  readonly cert: string
}

/** For the certificate of `publicKey` (SPKI, DER). */
export function lineageExtension({ id, key, cert }: Predecessor, publicKey: Uint8Array): Extension {
  const signature = lowered(sign('sha256', signedBytes(id, publicKey), { key, ...encoding }))
  return new Extension(lineageOid, false, Buffer.concat([signature, new X509Certificate(cert).raw]))
}

/** Whose place the key of this certificate takes, the oldest first; nothing when nobody's, or when that is not proved. Of each rotation
 *  nobody but the holders of its keys can make a second certificate that shows it. Never throws. */
export function lineageOf(der: Uint8Array): Rotation[] {
  const found: Rotation[] = []
  try {
    for (let at: Uint8Array | undefined = der; at !== undefined && found.length < longestLineage; ) {
      const before = predecessorOf(at)
      if (before === undefined) break
      const certificate = Buffer.from(at).toString('base64')
      found.unshift({ subject: idOfCertificate(at), replaces: idOfCertificate(before), certificate })
      at = before
    }
  } catch {
    // Something in it is no certificate: what was found until there holds.
  }
  return found
}

function predecessorOf(der: Uint8Array): Uint8Array | undefined {
  if (der.length > mostBytes) return undefined
  const value = new ReadableCertificate(new Uint8Array(der)).getExtension(lineageOid)?.value
  if (value === undefined) return undefined
  const bytes = Buffer.from(value)
  const [signature, before] = [bytes.subarray(0, signatureBytes), bytes.subarray(signatureBytes)]
  const { publicKey: own } = new X509Certificate(der)
  const { publicKey: key } = new X509Certificate(before)
  if (!isNodeKey(own) || !isNodeKey(key) || !isLow(signature)) return undefined
  const spki = own.export({ type: 'spki', format: 'der' })
  const isProved = verify('sha256', signedBytes(idOfCertificate(before), spki), { key, ...encoding }, signature)
  // By itself, too: nobody can name another's key as the one that follows.
  return isProved && isCanonical(der, own) ? before : undefined
}

function signedBytes(id: string, publicKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`spansync rotate ${id} `), publicKey])
}
