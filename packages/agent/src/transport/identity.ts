import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { idOfCertificate, lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { makeNodeCertificate } from '@spansync/common/adapters/certificate/make'
import type { NodeId } from '@spansync/common/core/causal/types'
import { longestLineage } from '@spansync/common/core/roster/rotation'
import { errnoOf, messageOf, SpansyncError } from '@spansync/common/runtime/errors'

const keyFile = 'key.pem'
const certFile = 'cert.pem'
/** Of a key that is about to take the place of the one beside it. */
const nextKeyFile = 'key.next.pem'

/** A node's identity is its key; its id is the hash of the certificate. Both are PEM. */
export interface Identity {
  readonly id: NodeId
  readonly key: string
  readonly cert: string
}

export class IdentityMissingError extends SpansyncError {
  constructor(directory: string) {
    super({
      code: 'identity_missing',
      message: `there is no identity in ${directory}`,
      remedy: 'run `spansync init`, or put key.pem and cert.pem back from a backup',
    })
  }
}

export class IdentityDamagedError extends SpansyncError {
  constructor(file: string, reason: string, cause?: unknown) {
    super({
      code: 'identity_damaged',
      message: `the identity file ${file} cannot be used: ${reason}`,
      remedy:
        'put key.pem and cert.pem back from a backup. Without one, move both away and run `spansync init`: this machine then ' +
        'has a new fingerprint, which every peer must be told (`spansync peer add`).',
      cause,
    })
  }
}

export class IdentityExposedError extends SpansyncError {
  constructor(file: string, mode: number) {
    super({
      code: 'identity_exposed',
      message: `other users can get at the secret key ${file} (mode ${(mode & 0o777).toString(8).padStart(3, '0')})`,
      remedy: `run \`chmod 600 ${file}\`. If others may have read it, move key.pem and cert.pem away and run \`spansync init\`.`,
    })
  }
}

/** Each certificate holds the one before it, and every connection shows it. */
export class LineageTooLongError extends SpansyncError {
  constructor() {
    super({
      code: 'lineage_too_long',
      message: `the key of this machine was replaced ${longestLineage} times, and every connection shows them all: it cannot go on so`,
      remedy:
        'on another member run `spansync remove` for this machine; here move key.pem and cert.pem away, and join again',
    })
  }
}

/** Makes a new key and certificate in `directory`, which is created if need be. Never overwrites. */
export async function createIdentity(directory: string): Promise<Identity> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const file of [keyFile, certFile])
    if (await exists(join(directory, file)))
      throw new IdentityDamagedError(join(directory, file), 'it is in the way of a new one')
  const { key, cert } = await makeNodeCertificate()
  await writeSecret(join(directory, keyFile), key)
  await writeSecret(join(directory, certFile), cert)
  return { id: idOfCertificate(new X509Certificate(cert).raw), key, cert }
}

/** Puts a new key, which the old one vouches for, in the place of the old one, which is gone then. The certificate's replacement is the
 *  moment of it: before, the old identity is in force, and from then on the new one, whatever crashes. Throws what `loadIdentity` does,
 *  and LineageTooLongError. */
export async function replaceIdentity(
  directory: string,
): Promise<{ readonly before: Identity; readonly after: Identity }> {
  const before = await loadIdentity(directory)
  if (lineageOf(new X509Certificate(before.cert).raw).length >= longestLineage) throw new LineageTooLongError()
  const { key, cert } = await makeNodeCertificate(before)
  await writeSecret(join(directory, nextKeyFile), key)
  await writeSecret(join(directory, certFile), cert)
  return { before, after: await loadIdentity(directory) }
}

/** Throws IdentityMissingError, IdentityDamagedError or IdentityExposedError. */
export async function loadIdentity(directory: string): Promise<Identity> {
  const [keyPath, certPath] = [join(directory, keyFile), join(directory, certFile)]
  const [hasKey, hasCert] = [await exists(keyPath), await exists(certPath)]
  if (!hasKey && !hasCert) throw new IdentityMissingError(directory)
  if (!hasKey) throw new IdentityDamagedError(keyPath, 'it is missing')
  if (!hasCert) throw new IdentityDamagedError(certPath, 'it is missing')
  await checkExposure(keyPath)
  const key = await readFile(keyPath, 'utf8')
  const cert = await readFile(certPath, 'utf8')
  const privateKey = readable(keyPath, () => createPrivateKey(key))
  const certificate = readable(certPath, () => new X509Certificate(cert))
  const id = idOfCertificate(certificate.raw)
  if (certificate.checkPrivateKey(privateKey)) return { id, key, cert }
  const next = await takeNextKey(directory, certificate)
  if (next === undefined) throw new IdentityDamagedError(certPath, 'it does not belong to the key beside it')
  return { id, key: next, cert }
}

/** The certificate is that of a new key, which a crash has kept from its place. */
async function takeNextKey(directory: string, certificate: X509Certificate): Promise<string | undefined> {
  const next = join(directory, nextKeyFile)
  if (!(await exists(next))) return undefined
  await checkExposure(next)
  const key = await readFile(next, 'utf8')
  if (!certificate.checkPrivateKey(readable(next, () => createPrivateKey(key)))) return undefined
  await renameDurably(next, join(directory, keyFile))
  return key
}

export async function loadOrCreateIdentity(directory: string): Promise<Identity> {
  const found = (await exists(join(directory, keyFile))) || (await exists(join(directory, certFile)))
  return found ? loadIdentity(directory) : createIdentity(directory)
}

async function writeSecret(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx', flush: true })
    await renameDurably(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** In this order also after a power cut. */
async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  // Windows cannot open directories, and need not.
  if (process.platform === 'win32') return
  await using directory = await open(dirname(to), 'r')
  await directory.sync()
}

async function checkExposure(path: string): Promise<void> {
  // Windows keeps access lists instead of these bits.
  if (process.platform === 'win32') return
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) throw new IdentityExposedError(path, mode)
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new IdentityDamagedError(path, messageOf(error), error)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
