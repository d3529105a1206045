import { canonicalForm } from './canonical.ts'
import { lineageExtension, type Predecessor } from './lineage.ts'
import { inPem, makeSelfSigned } from './self-signed.ts'

/** A new key of a node and its certificate, both in PEM; that of one that replaces another shows it. Self-signed, without any name in
 *  it: strangers who dial see it too. It does not expire; the pin is what counts. */
export async function makeNodeCertificate(before?: Predecessor): Promise<{ key: string; cert: string }> {
  const { key, der } = await makeSelfSigned((publicKey) => (before ? [lineageExtension(before, publicKey)] : []))
  return { key, cert: inPem(canonicalForm(der), 'CERTIFICATE') }
}
