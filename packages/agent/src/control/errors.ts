import { existsSync } from 'node:fs'
import { configFileOf } from '@spansync/common/config/home'
import { exitCodes, SpansyncError } from '@spansync/common/runtime/errors'

/** No daemon answers for this home. */
export class NotRunningError extends SpansyncError {
  constructor(home: string, cause?: unknown) {
    const first = existsSync(configFileOf(home)) ? '' : 'set this machine up with `spansync init`, then '
    super({
      code: 'not_running',
      message: `spansync is not running for ${home}`,
      remedy: `${first}start it with \`spansync run\`, then try again`,
      retryable: true,
      exitCode: exitCodes.notRunning,
      cause,
    })
  }
}

/** The daemon went away, or answers what this program does not understand. */
export class ControlError extends SpansyncError {
  constructor(message: string, cause?: unknown) {
    super({
      code: 'control_failed',
      message,
      remedy: 'restart `spansync run` (after an update, the running one may be older than this command)',
      retryable: true,
      cause,
    })
  }
}

/** Two daemons on one home would spoil its index. */
export class HomeLockedError extends SpansyncError {
  constructor(home: string, pid: number | undefined) {
    const who = pid === undefined ? 'another process' : `process ${pid}`
    super({
      code: 'home_locked',
      message: `spansync is already running for ${home} (${who})`,
      remedy: `use the one that runs, stop it first${pid === undefined ? '' : ` (kill ${pid})`}, or give this one another home with --home`,
    })
  }
}

/** The place of a local socket belongs to somebody else. */
export class UnsafeSocketError extends SpansyncError {
  constructor(directory: string) {
    super({
      code: 'unsafe_socket',
      message: `${directory} does not belong to this user alone`,
      remedy: 'remove that directory, or choose a home with a shorter path',
    })
  }
}
