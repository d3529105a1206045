import { messageOf, SpansyncError, UsageError } from '@spansync/common/runtime/errors'

/** The store's URL is not one. */
export class StoreUrlError extends UsageError {
  constructor(message: string) {
    super(
      message,
      'give sqlite:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS, ' +
        'for example --store sqlite:/var/lib/spansync/coordinator.sqlite',
      'store_url',
    )
  }
}

/** Another coordinator has taken over since this one became the leader. */
export class FencedError extends SpansyncError {
  readonly epoch: number
  readonly newest: number

  constructor(epoch: number, newest: number) {
    super({
      code: 'fenced',
      message: `epoch ${epoch} may no longer write: ${newest > epoch ? `${newest} leads now` : 'its lease is gone'}`,
      remedy: 'nothing to do: another coordinator leads, and this one stands by',
    })
    this.epoch = epoch
    this.newest = newest
  }
}

export class StoreUnreachableError extends SpansyncError {
  constructor(location: string, cause: unknown, remedy = 'check that the server runs and can be reached from here') {
    super({
      code: 'store_unreachable',
      message: `the store ${location} cannot be reached: ${messageOf(cause)}`,
      remedy: `${remedy} (${location})`,
      retryable: true,
      cause,
    })
  }
}

/** The server is there but lets us in not at all, or not to all that is needed. */
export class StoreAccessError extends SpansyncError {
  constructor(location: string, cause: unknown) {
    super({
      code: 'store_access',
      message: `the store ${location} refuses us: ${messageOf(cause)}`,
      remedy:
        'check user and password in the store URL; the user needs read, write and scripting (EVAL) on keys spansync:*',
      cause,
    })
  }
}

/** The file can be neither read nor written as it should. */
export class StoreFileError extends SpansyncError {
  constructor(location: string, cause: unknown, remedy: string) {
    super({
      code: 'store_file',
      message: `the store ${location} cannot be used: ${messageOf(cause)}`,
      remedy,
      cause,
    })
  }
}

/** Another process holds the file's lock for longer than a write ever takes. */
export class StoreBusyError extends SpansyncError {
  constructor(location: string, cause: unknown) {
    super({
      code: 'store_busy',
      message: `the store ${location} is locked by another process`,
      remedy: 'try again; when it stays so, look for a program that has the file open (lsof, fuser)',
      retryable: true,
      cause,
    })
  }
}

/** What is stored cannot be trusted. It is never replaced by an empty store: nodes would have to be registered again. */
export class StoreDamagedError extends SpansyncError {
  constructor(location: string, cause: unknown) {
    super({
      code: 'store_damaged',
      message: `the store ${location} is damaged: ${messageOf(cause)}`,
      remedy:
        'restore it from a backup. Without one, move it away (with its -wal and -shm files) and start again: an empty store is ' +
        'made, in which every node has to be registered anew; the agents go on syncing directly meanwhile',
      cause,
    })
  }
}

export class StoreForeignError extends SpansyncError {
  constructor(location: string) {
    super({
      code: 'store_foreign',
      message: `${location} is the database of another program`,
      remedy: 'give the store a path of its own',
    })
  }
}

export class StoreTooNewError extends SpansyncError {
  constructor(location: string, found: number, known: number) {
    super({
      code: 'store_too_new',
      message: `the store ${location} has version ${found}; this program knows versions up to ${known}`,
      remedy: 'install the newer version of spansync again, or use another store',
    })
  }
}

export class StoreClosedError extends SpansyncError {
  constructor(location: string) {
    super({
      code: 'store_closed',
      message: `the store ${location} has been closed`,
      remedy: 'nothing to do when the coordinator is being stopped',
    })
  }
}

export class SettingsContendedError extends SpansyncError {
  constructor(attempts: number) {
    super({
      code: 'settings_contended',
      message: `the settings were changed by somebody else ${attempts} times in a row`,
      remedy: 'try again; when it stays so, look for a script that changes them all the time',
      retryable: true,
    })
  }
}
