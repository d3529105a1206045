import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { canonicalForm } from './canonical.ts'
import { lineageExtension, type Predecessor } from './lineage.ts'

/** A new key of a node and its certificate, both in PEM; that of one that replaces another shows it. Self-signed, without any name in
 *  it: strangers who dial see it too. It does not expire; the pin is what counts. */
export async function makeNodeCertificate(before?: Predecessor): Promise<{ key: string; cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey))
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=spansync',
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys,
      ...(before === undefined ? {} : { extensions: [lineageExtension(before, spki)] }),
    },
    webcrypto as NonNullable<Parameters<typeof X509CertificateGenerator.createSelfSigned>[1]>,
  )
  const form = canonicalForm(new Uint8Array(certificate.rawData))
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    key: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    cert: `${PemConverter.encode(form, 'CERTIFICATE')}\n`,
  }
}
