import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIdentity, idOfCertificate, loadIdentity, loadOrCreateIdentity } from './identity.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'spansync-identity-'))
})
afterEach(() => rm(home, { recursive: true }))

describe('identity', () => {
  it('is the same after a restart', async () => {
    const made = await loadOrCreateIdentity(join(home, 'node'))
    expect(await loadOrCreateIdentity(join(home, 'node'))).toEqual(made)
    expect(made.id).toMatch(/^[0-9a-f]{64}$/)
    expect(made.id).toBe(idOfCertificate(new X509Certificate(made.cert).raw))
  })

  it('is ECDSA on P-256, signed by itself, and names nobody', async () => {
    const certificate = new X509Certificate((await createIdentity(home)).cert)
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.subject).toBe('CN=spansync')
  })

  it.skipIf(process.platform === 'win32')('is for its owner only', async () => {
    await createIdentity(home)
    for (const file of ['key.pem', 'cert.pem']) expect((await stat(join(home, file))).mode & 0o777).toBe(0o600)
    await chmod(join(home, 'key.pem'), 0o640)
    await expect(loadIdentity(home)).rejects.toMatchObject({
      code: 'identity_exposed',
      message: expect.stringContaining('640'),
      remedy: expect.stringContaining('chmod 600'),
    })
  })

  it('is never overwritten', async () => {
    const made = await createIdentity(home)
    await expect(createIdentity(home)).rejects.toMatchObject({ code: 'identity_damaged' })
    expect(await loadIdentity(home)).toEqual(made)
  })

  it('says when there is none', async () => {
    await expect(loadIdentity(home)).rejects.toMatchObject({
      code: 'identity_missing',
      remedy: expect.stringContaining('spansync init'),
    })
  })

  it.each([
    ['the key is missing', 'key.pem', undefined],
    ['the certificate is missing', 'cert.pem', undefined],
    ['the key is garbage', 'key.pem', 'garbage'],
    ['the certificate is empty', 'cert.pem', ''],
  ])('says when %s', async (_why, file, text) => {
    await createIdentity(home)
    await rm(join(home, file))
    if (text !== undefined) await writeFile(join(home, file), text, { mode: 0o600 })
    await expect(loadIdentity(home)).rejects.toMatchObject({
      code: 'identity_damaged',
      message: expect.stringContaining(file),
      remedy: expect.stringContaining('backup'),
    })
    await expect(loadOrCreateIdentity(home)).rejects.toMatchObject({ code: 'identity_damaged' })
  })

  it('says when key and certificate do not belong together', async () => {
    await createIdentity(join(home, 'one'))
    const other = await createIdentity(join(home, 'two'))
    await writeFile(join(home, 'one', 'cert.pem'), other.cert)
    await expect(loadIdentity(join(home, 'one'))).rejects.toMatchObject({ code: 'identity_damaged' })
  })
})
