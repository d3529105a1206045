import { longestLineage } from '@spansync/common/core/roster/rotation'
import { SpansyncError } from '@spansync/common/runtime/errors'

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
