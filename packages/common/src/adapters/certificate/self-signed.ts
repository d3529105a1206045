import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { type Extension, PemConverter, X509CertificateGenerator } from '@peculiar/x509'

/** A new P-256 key in PEM and its certificate in DER form, with what `extensionsFor` makes of the public key (SPKI, DER). It does not
 *  expire: whoever trusts it trusts this very certificate. */
export async function makeSelfSigned(
  extensionsFor: (publicKey: Uint8Array) => Extension[],
): Promise<{ key: string; der: Uint8Array }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const publicKey = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey))
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=spansync',
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys,
      extensions: extensionsFor(publicKey),
    },
    webcrypto as NonNullable<Parameters<typeof X509CertificateGenerator.createSelfSigned>[1]>,
  )
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: inPem(new Uint8Array(pkcs8), 'PRIVATE KEY'), der: new Uint8Array(certificate.rawData) }
}

export function inPem(der: Uint8Array, label: 'CERTIFICATE' | 'PRIVATE KEY'): string {
  return `${PemConverter.encode(new Uint8Array(der), label)}\n`
}
