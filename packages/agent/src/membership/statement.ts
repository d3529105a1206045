import { sign, verify, X509Certificate } from 'node:crypto'
import { type Statement, signedText } from '@spansync/common/core/roster/roster'
import { type Identity, idOfCertificate } from '../transport/identity.ts'

/** DER. */
export function certificateOf({ cert }: Pick<Identity, 'cert'>): Buffer {
  return new X509Certificate(cert).raw
}

/** Says something of a node, in this one's name. */
export function state(identity: Identity, what: Omit<Statement, 'by' | 'certificate' | 'signature'>): Statement {
  const certificate = certificateOf(identity).toString('base64')
  const unsigned = { ...what, by: identity.id, certificate }
  const signature = sign('sha256', Buffer.from(signedText(unsigned)), identity.key).toString('base64')
  return { ...unsigned, signature }
}

/** Signed by the key whose certificate has the hash that it claims. */
export function isGenuine(statement: Statement): boolean {
  try {
    const der = Buffer.from(statement.certificate, 'base64')
    if (idOfCertificate(der) !== statement.by) return false
    const { publicKey } = new X509Certificate(der)
    const { signature, ...unsigned } = statement
    return verify('sha256', Buffer.from(signedText(unsigned)), publicKey, Buffer.from(signature, 'base64'))
  } catch {
    // No certificate at all.
    return false
  }
}
