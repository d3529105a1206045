import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { UnsafeSocketError } from './errors.ts'

/** The kernel's limit for a socket's path is 108 bytes on Linux and 104 on macOS. */
const longestSocketPathBytes = 100

/** Written into the home by the daemon that owns it: TMPDIR may differ between a service and a person's shell. */
export const runInfoSchema = z.object({ pid: z.number().int().positive(), socket: z.string() })
export type RunInfo = z.infer<typeof runInfoSchema>

export function runInfoFile(home: string): string {
  return join(home, 'agent.json')
}

export function readRunInfo(home: string): RunInfo | undefined {
  try {
    return runInfoSchema.parse(JSON.parse(readFileSync(runInfoFile(home), 'utf8')))
  } catch {
    return undefined
  }
}

/** Where the daemon of this home listens, unless agent.json says otherwise. */
export function socketPathOf(home: string, platform: NodeJS.Platform = process.platform): string {
  const key = createHash('sha256').update(realPathOf(home)).digest('hex').slice(0, 24)
  if (platform === 'win32') return `\\\\.\\pipe\\spansync-${key}`
  const path = join(home, 'agent.sock')
  return Buffer.byteLength(path) <= longestSocketPathBytes ? path : join(tmpdir(), `spansync-${key}`, 'agent.sock')
}

/** Makes the socket's directory when it is not the home itself, readable only by its owner. A directory that somebody else has put
 *  there (the place for temporary files is open to all) is refused. */
export function prepareSocketDirectory(home: string, socket: string): void {
  if (process.platform === 'win32' || dirname(socket) === home) return
  const directory = dirname(socket)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const stat = lstatSync(directory)
  const mine = process.getuid === undefined || stat.uid === process.getuid()
  if (!stat.isDirectory() || !mine || (stat.mode & 0o077) !== 0) throw new UnsafeSocketError(directory)
}

function realPathOf(home: string): string {
  try {
    return realpathSync(home)
  } catch {
    return home
  }
}
