import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type CertificateFiles, loadOrMakeServerCertificate, readIfThere, replaceFile } from './certificate.ts'
import { authorizationText, type NatsUsers, serverText } from './server-config.ts'

const usersName = 'users.conf'

/** Where everything of one local nats-server lies. */
export interface ServerFiles {
  readonly directory: string
  readonly configFile: string
  readonly usersFile: string
  readonly pidFile: string
  readonly logFile: string
  /** What the server calls itself: by it and by nothing else a server on the port is known as this one. */
  readonly serverName: string
}

export function serverFiles(directory: string): ServerFiles {
  const base = resolve(directory)
  const inBase = (name: string): string => join(base, name)
  return {
    directory: base,
    configFile: inBase('nats.conf'),
    usersFile: inBase(usersName),
    pidFile: inBase('nats-server.pid'),
    logFile: inBase('nats-server.log'),
    serverName: `spansync-${createHash('sha256').update(base).digest('hex').slice(0, 16)}`,
  }
}

export interface WriteOptions {
  readonly host: string
  readonly port: number
  readonly certificateHosts: readonly string[]
  readonly users: NatsUsers
}

/** Writes what nats-server reads. `isMoved`: a server that still runs with the former configuration cannot take this one over. */
export async function writeServerFiles(
  files: ServerFiles,
  { host, port, certificateHosts, users }: WriteOptions,
): Promise<{ certificate: CertificateFiles; isMoved: boolean }> {
  await mkdir(files.directory, { recursive: true, mode: 0o700 })
  const certificate = await loadOrMakeServerCertificate(files.directory, certificateHosts)
  const text = serverText({
    host,
    port,
    serverName: files.serverName,
    certFile: certificate.certFile,
    keyFile: certificate.keyFile,
    storeDirectory: join(files.directory, 'store'),
    pidFile: files.pidFile,
    usersFile: usersName,
  })
  const before = await readIfThere(files.configFile)
  await replaceFile(files.usersFile, authorizationText(users))
  if (before !== text) await replaceFile(files.configFile, text)
  return { certificate, isMoved: before !== text }
}
