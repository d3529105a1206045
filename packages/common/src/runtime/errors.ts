/** What a process answers: part of the command line's contract. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const

export interface SpansyncErrorOptions {
  /** Stable, in snake_case: what programs and tests look at. */
  readonly code: string
  /** The cause, as a sentence for a person. */
  readonly message: string
  /** What the person should do now. */
  readonly remedy: string
  /** True when trying again later can succeed without anybody doing anything. */
  readonly retryable?: boolean
  readonly exitCode?: number
  readonly cause?: unknown
}

/** The base of every error that a person may meet. One subclass per cause. */
export class SpansyncError extends Error {
  readonly code: string
  readonly remedy: string
  readonly retryable: boolean
  readonly exitCode: number

  constructor(options: SpansyncErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = options.code
    this.remedy = options.remedy
    this.retryable = options.retryable ?? false
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** A wrong command or a wrong value on the command line: exit code 2. */
export class UsageError extends SpansyncError {
  constructor(message: string, remedy: string, code = 'usage') {
    super({ code, message, remedy, exitCode: exitCodes.usage })
  }
}

/** Something nobody foresaw: a fault in the program. Keeps the original as its cause. */
export class UnexpectedError extends SpansyncError {
  constructor(cause: unknown) {
    super({
      code: 'unexpected',
      message: messageOf(cause),
      remedy: 'this is a fault in spansync: run the command again with SPANSYNC_DEBUG=1 and report what it prints',
      cause,
    })
  }
}

/** What an errno code means to a person; undefined when there is nothing better to say than the code. */
const systemRemedies: Readonly<Record<string, string>> = {
  EACCES: 'give the user that runs spansync the right to read and write there',
  EPERM: 'give the user that runs spansync the right to do this',
  ENOENT: 'check that the path exists and is spelled as meant',
  ENOSPC: 'free some space on that disk, then try again',
  EDQUOT: 'free some space in your quota, then try again',
  EROFS: 'the disk is mounted read-only: mount it writable or use another directory',
  ENOTDIR: 'a part of that path is a file: choose another path',
  EISDIR: 'that path is a directory: choose another path',
  EMFILE: 'raise the limit of open files (ulimit -n), then try again',
}

/** Any thrown value as an error with cause and remedy. Errors of the system keep their code in lower case. */
export function toSpansyncError(thrown: unknown): SpansyncError {
  if (thrown instanceof SpansyncError) return thrown
  const code = errnoOf(thrown)
  const remedy = code === undefined ? undefined : systemRemedies[code]
  if (code === undefined || remedy === undefined) return new UnexpectedError(thrown)
  return new SpansyncError({ code: code.toLowerCase(), message: messageOf(thrown), remedy, cause: thrown })
}

/** `ENOENT` and the like; undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown)
}
