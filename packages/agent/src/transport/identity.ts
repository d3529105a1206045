import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { idOfCertificate, lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { makeNodeCertificate } from '@spansync/common/adapters/certificate/make'
import type { NodeId } from '@spansync/common/core/causal/types'
import { longestLineage } from '@spansync/common/core/roster/rotation'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import {
  IdentityDamagedError,
  IdentityExposedError,
  IdentityMissingError,
  LineageTooLongError,
} from './identity-errors.ts'

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
 *  moment of it: before, the old identity is in force, and from then on the new one, whatever crashes. For the one process that holds
 *  the home's lock. Throws what `loadIdentity` does, and LineageTooLongError. */
export async function replaceIdentity(
  directory: string,
): Promise<{ readonly before: Identity; readonly after: Identity }> {
  const before = await settleIdentity(directory)
  if (lineageOf(new X509Certificate(before.cert).raw).length >= longestLineage) throw new LineageTooLongError()
  const { key, cert } = await makeNodeCertificate(before)
  await writeSecret(join(directory, nextKeyFile), key)
  await writeSecret(join(directory, certFile), cert)
  return { before, after: await settleIdentity(directory) }
}

/** What is in force, also while another process replaces the key; it changes nothing on the disk. Throws IdentityMissingError,
 *  IdentityDamagedError or IdentityExposedError. */
export async function loadIdentity(directory: string): Promise<Identity> {
  return (await findIdentity(directory)).identity
}

/** Finishes a replacement that a crash has cut off. For the one process that holds the home's lock. Throws what `loadIdentity` does. */
export async function settleIdentity(directory: string): Promise<Identity> {
  const { identity, isInPlace } = await findIdentity(directory)
  if (!isInPlace) await renameDurably(join(directory, nextKeyFile), join(directory, keyFile))
  return identity
}

interface Found {
  readonly identity: Identity
  /** Else its key is still the next one. */
  readonly isInPlace: boolean
}

async function findIdentity(directory: string): Promise<Found> {
  const certPath = join(directory, certFile)
  for (let last = ''; ; ) {
    const { key, cert } = await readFiles(directory)
    const certificate = readable(certPath, () => new X509Certificate(cert))
    const id = idOfCertificate(certificate.raw)
    if (belongs(certificate, join(directory, keyFile), key)) return { identity: { id, key, cert }, isInPlace: true }
    const next = await readNextKey(directory)
    if (next !== undefined && belongs(certificate, join(directory, nextKeyFile), next))
      return { identity: { id, key: next, cert }, isInPlace: false }
    // Perhaps it was replaced between one file and the other: then the two are others by now.
    const both = `${key}${cert}`
    if (both === last) throw new IdentityDamagedError(certPath, 'it does not belong to the key beside it')
    last = both
  }
}

async function readFiles(directory: string): Promise<{ readonly key: string; readonly cert: string }> {
  const [keyPath, certPath] = [join(directory, keyFile), join(directory, certFile)]
  const [hasKey, hasCert] = [await exists(keyPath), await exists(certPath)]
  if (!hasKey && !hasCert) throw new IdentityMissingError(directory)
  if (!hasKey) throw new IdentityDamagedError(keyPath, 'it is missing')
  if (!hasCert) throw new IdentityDamagedError(certPath, 'it is missing')
  await checkExposure(keyPath)
  return { key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8') }
}

/** Undefined when there is none, or no longer: another process has put it in its place. */
async function readNextKey(directory: string): Promise<string | undefined> {
  const path = join(directory, nextKeyFile)
  try {
    await checkExposure(path)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function belongs(certificate: X509Certificate, path: string, key: string): boolean {
  return certificate.checkPrivateKey(readable(path, () => createPrivateKey(key)))
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
