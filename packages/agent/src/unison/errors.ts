import { SpansyncError } from '@spansync/common/runtime/errors'

const install =
  'install Unison 2.52 or newer (Debian and Ubuntu: apt install unison; macOS: brew install unison), or set unison.path in config.yaml'

/** No `unison` where it was looked for. */
export class UnisonMissingError extends SpansyncError {
  constructor(lookedFor: string, cause?: unknown) {
    super({ code: 'unison_missing', message: `Unison was not found: ${lookedFor}`, remedy: install, cause })
  }
}

/** Older than 2.52, whose protocol no newer one speaks. */
export class UnisonTooOldError extends SpansyncError {
  constructor(path: string, version: string) {
    super({
      code: 'unison_too_old',
      message: `${path} is Unison ${version}; 2.52 is the oldest that works`,
      remedy: install,
    })
  }
}

/** Something is there, but it does not start or does not say its version. */
export class UnisonUnusableError extends SpansyncError {
  constructor(path: string, what: string, cause?: unknown) {
    super({ code: 'unison_unusable', message: `${path} ${what}`, remedy: install, cause })
  }
}

/** The long-lived run ended while somebody waited for it. */
export class PersistentClosedError extends SpansyncError {
  constructor(reason: string) {
    super({
      code: 'persistent_closed',
      message: `the long-lived Unison run has ended: ${reason}`,
      remedy: 'nothing to do: the paths are synchronised by a run of their own, or when the link is up again',
      retryable: true,
    })
  }
}

/** More changed paths at once than one notice may carry. */
export class TooManyPathsError extends SpansyncError {
  constructor(limit: number) {
    super({
      code: 'too_many_paths',
      message: `more than ${limit} changed paths wait for one long-lived Unison run`,
      remedy: 'nothing to do: so many go in runs of their own',
      retryable: true,
    })
  }
}
