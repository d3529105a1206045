import { X509Certificate } from 'node:crypto'
import { signerOf, signText } from '@spansync/common/adapters/certificate/signed'
import { type Statement, signedText } from '@spansync/common/core/roster/roster'
import type { Identity } from '../transport/identity.ts'

/** DER. */
export function certificateOf({ cert }: Pick<Identity, 'cert'>): Buffer {
  return new X509Certificate(cert).raw
}

/** Says something of a node, in this one's name. */
export function state(identity: Identity, what: Omit<Statement, 'by' | 'certificate' | 'signature'>): Statement {
  const certificate = certificateOf(identity).toString('base64')
  const unsigned = { ...what, by: identity.id, certificate }
  return { ...unsigned, signature: signText(identity.key, signedText(unsigned)) }
}

/** Signed by the key whose certificate has the hash that it claims. */
export function isGenuine(statement: Statement): boolean {
  const { signature, ...unsigned } = statement
  return signerOf(statement, signedText(unsigned)) === statement.by
}
