import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import { ExecaError, execa } from 'execa'
import { UnisonMissingError, UnisonTooOldError, UnisonUnusableError } from './errors.ts'

/** 2.52 changed the protocol and the archives. */
const oldest = [2, 52] as const

export interface UnisonBinary {
  /** Absolute. */
  readonly path: string
  /** Such as `2.52.1`. */
  readonly version: string
  /** Such as `2.52`: part of the name under which Unison looks for its file monitor. */
  readonly series: string
}

export interface FindOptions {
  /** A path, or a name to look for on PATH. */
  readonly program?: string | undefined
  readonly searchPath?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Finds Unison and asks its version. Throws UnisonMissingError, UnisonTooOldError or UnisonUnusableError. */
export async function findUnison(options: FindOptions = {}): Promise<UnisonBinary> {
  const { program = 'unison', searchPath = process.env.PATH ?? '', signal } = options
  const path = await locate(program, searchPath)
  const version = parseVersion(await ask(path, signal))
  if (version === undefined) throw new UnisonUnusableError(path, 'does not say which version of Unison it is')
  if (!isNewEnough(version)) throw new UnisonTooOldError(path, version)
  return { path, version, series: version.split('.').slice(0, 2).join('.') }
}

/** `2.52.1` of `unison version 2.52.1 (ocaml 4.13.1)`. */
export function parseVersion(text: string): string | undefined {
  return /\bversion (\d+\.\d+(?:\.\d+)*)/.exec(text)?.[1]
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

/** The absolute path of a program. Throws UnisonMissingError. */
export async function locate(program: string, searchPath: string): Promise<string> {
  const candidates = isAbsolute(program)
    ? [program]
    : searchPath
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, program))
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate
  }
  throw new UnisonMissingError(isAbsolute(program) ? program : `no ${program} on PATH`)
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function ask(path: string, signal: AbortSignal | undefined): Promise<string> {
  for (let asked = 1; ; asked++) {
    try {
      const cancel = signal ? { cancelSignal: signal } : {}
      const { stdout } = await execa(path, ['-version'], { timeout: 10_000, stdin: 'ignore', ...cancel })
      return stdout
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (errnoOf(error) === 'ENOENT') throw new UnisonMissingError(path, error)
      if (asked < asks && wasKilled(error)) continue
      throw new UnisonUnusableError(path, `does not start: ${messageOf(error)}`, error)
    }
  }
}

/** By somebody else, an administrator or the kernel short of memory: that says nothing about the program. */
function wasKilled(error: unknown): boolean {
  return error instanceof ExecaError && error.isTerminated && !error.timedOut
}

const asks = 3
