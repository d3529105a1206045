import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { idOfCertificate, lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createIdentity,
  type Identity,
  loadIdentity,
  loadOrCreateIdentity,
  replaceIdentity,
  settleIdentity,
} from './identity.ts'

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

describe('a key that takes the place of another', () => {
  const der = ({ cert }: Identity): Buffer => new X509Certificate(cert).raw

  it('is in force afterwards, shows whose place it takes, and leaves nothing of the old one', async () => {
    const old = await createIdentity(home)
    expect(lineageOf(der(old))).toEqual([])
    const { before, after } = await replaceIdentity(home)
    expect([before, await loadIdentity(home)]).toEqual([old, after])
    const certificate = der(after).toString('base64')
    expect(lineageOf(der(after))).toEqual([{ subject: after.id, replaces: old.id, certificate }])
    expect((await readdir(home)).sort()).toEqual(['cert.pem', 'key.pem'])
    expect(await readFile(join(home, 'key.pem'), 'utf8')).not.toContain(old.key)
    expect((await stat(join(home, 'key.pem'))).mode & 0o777).toBe(0o600)
  })

  it('may be replaced in turn, and shows them all, up to a bound', async () => {
    const ids = [(await createIdentity(home)).id]
    for (let count = 0; count < 8; count++) ids.push((await replaceIdentity(home)).after.id)
    const last = await loadIdentity(home)
    const shown = lineageOf(der(last)).map(({ replaces, subject }) => [replaces, subject])
    expect(shown).toEqual(ids.slice(1).map((id, at) => [ids[at], id]))
    await expect(replaceIdentity(home)).rejects.toMatchObject({ code: 'lineage_too_long' })
    expect(await loadIdentity(home)).toEqual(last)
  })

  it('is not believed when anything in its certificate was changed', async () => {
    await createIdentity(home)
    const bytes = der((await replaceIdentity(home)).after)
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      expect(lineageOf(changed)).toEqual([])
    }
    for (const garbage of [Buffer.alloc(0), Buffer.alloc(100_000, 0x30), bytes.subarray(0, 200)])
      expect(lineageOf(garbage)).toEqual([])
  })

  it('is the old or the new one, wherever a crash comes in between', async () => {
    const [one, two] = [join(home, 'one'), join(home, 'two')]
    const old = await createIdentity(one)
    await cp(one, two, { recursive: true })
    const { after } = await replaceIdentity(two)
    const put = async (file: string, text: string): Promise<void> => writeFile(join(one, file), text, { mode: 0o600 })
    await put('key.next.pem', after.key)
    expect(await loadIdentity(one)).toEqual(old)
    await put('cert.pem', after.cert)
    expect(await loadIdentity(one)).toEqual(after)
    expect(await readdir(one)).toContain('key.next.pem')
    expect(await settleIdentity(one)).toEqual(after)
    expect(await loadIdentity(one)).toEqual(after)
    expect((await readdir(one)).sort()).toEqual(['cert.pem', 'key.pem'])
  })

  it('a key of a try that came to nothing is written over by the next', async () => {
    const old = await createIdentity(home)
    await writeFile(join(home, 'key.next.pem'), 'something', { mode: 0o600 })
    expect(await loadIdentity(home)).toEqual(old)
    const { after } = await replaceIdentity(home)
    expect(await loadIdentity(home)).toEqual(after)
  })
})

describe('while another process replaces the key', () => {
  it('what is read is always whole, and the replacement goes on', async () => {
    for (let round = 0; round < 3; round++) {
      const directory = join(home, `${round}`)
      const ids = new Set([(await createIdentity(directory)).id])
      let isOver = false
      const read = async (): Promise<Identity[]> => {
        const found: Identity[] = []
        while (!isOver) found.push(await loadIdentity(directory))
        return found
      }
      const readers = [read(), read(), read()]
      const replaced = (async () => {
        for (let count = 0; count < 8; count++) ids.add((await replaceIdentity(directory)).after.id)
      })().finally(() => {
        isOver = true
      })
      const [found] = await Promise.all([Promise.all(readers), replaced])
      for (const { id, key, cert } of found.flat()) {
        expect(ids).toContain(id)
        expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true)
      }
    }
  })
})
