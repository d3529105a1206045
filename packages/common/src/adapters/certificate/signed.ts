import { sign, verify, X509Certificate } from 'node:crypto'
import type { NodeId } from '../../core/causal/types.ts'
import { idOfCertificate } from './lineage.ts'

/** Base64. `key`: PEM. */
export function signText(key: string, text: string): string {
  return sign('sha256', Buffer.from(text), key).toString('base64')
}

export interface Signed {
  /** DER in base64. */
  readonly certificate: string
  /** Base64. */
  readonly signature: string
}

/** The id whose key has signed the text; undefined when that is not so. Never throws. */
export function signerOf({ certificate, signature }: Signed, text: string): NodeId | undefined {
  try {
    const der = Buffer.from(certificate, 'base64')
    const { publicKey } = new X509Certificate(der)
    const isRight = verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))
    return isRight ? idOfCertificate(der) : undefined
  } catch {
    // No certificate at all.
    return undefined
  }
}
