import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadOrMakeServerCertificate, makeServerCertificate } from './certificate.ts'

test('the certificate names its hosts, and lasts', async () => {
  const { cert } = await makeServerCertificate(['server.lan', '192.0.2.7', '2001:db8::7'])
  const certificate = new X509Certificate(cert)
  expect(certificate.checkHost('server.lan')).toBe('server.lan')
  expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7')
  expect(certificate.checkIP('2001:db8::7')).toBe('2001:db8::7')
  expect(certificate.checkHost('other.lan')).toBeUndefined()
  expect(certificate.publicKey.asymmetricKeyType).toBe('ec')
  expect(certificate.validToDate.getUTCFullYear()).toBe(9999)
})

test('it is made once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spansync-certificate-'))
  const made = await loadOrMakeServerCertificate(directory, ['a'])
  expect(await loadOrMakeServerCertificate(directory, ['b'])).toEqual(made)
  expect((await stat(made.keyFile)).mode & 0o777).toBe(0o600)
  await rm(made.keyFile)
  expect((await loadOrMakeServerCertificate(directory, ['b'])).cert).not.toBe(made.cert)
  await rm(directory, { recursive: true })
})
