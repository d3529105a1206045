import 'reflect-metadata'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { SubjectAlternativeNameExtension } from '@peculiar/x509'
import { inPem, makeSelfSigned } from '@spansync/common/adapters/certificate/self-signed'
import { errnoOf } from '@spansync/common/runtime/errors'

/** PEM. */
export interface ServerCertificate {
  readonly key: string
  readonly cert: string
}

export interface CertificateFiles {
  readonly keyFile: string
  readonly certFile: string
  /** PEM: what goes into the credentials of everybody who shall trust this server. */
  readonly cert: string
}

/** Self-signed, with the hosts in it for clients that check names; ours trust this very certificate under any name. It does not
 *  expire: a new one would need new credentials on every machine. */
export async function makeServerCertificate(hosts: readonly string[]): Promise<ServerCertificate> {
  const names = hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))
  const { key, der } = await makeSelfSigned(() =>
    names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  )
  return { key, cert: inPem(der, 'CERTIFICATE') }
}

/** The certificate that lies in `directory`, or a new one for `hosts`. */
export async function loadOrMakeServerCertificate(
  directory: string,
  hosts: readonly string[],
): Promise<CertificateFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const [keyFile, certFile] = [join(directory, 'server-key.pem'), join(directory, 'server-cert.pem')]
  const [key, found] = [await readIfThere(keyFile), await readIfThere(certFile)]
  if (key !== undefined && found !== undefined) return { keyFile, certFile, cert: found }
  const made = await makeServerCertificate(hosts)
  // The certificate last: it is there only when its key is.
  await rm(certFile, { force: true })
  await replaceFile(keyFile, made.key)
  await replaceFile(certFile, made.cert)
  return { keyFile, certFile, cert: made.cert }
}

/** In one step, readable by the owner only. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx', flush: true })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
