import { SpansyncError } from '@spansync/common/runtime/errors'

/** Everything in a replica vanished at once: more likely a mistake, or another disk, than somebody's wish. */
export class RootEmptiedError extends SpansyncError {
  constructor(root: string, files: number) {
    super({
      code: 'root_emptied',
      message: `all ${files} files in ${root} vanished at once; nothing was deleted anywhere else`,
      remedy:
        "put the files back (or mount the right disk), and it goes on by itself; if you did mean to delete everything, run `spansync folder approve` with the folder's name",
      retryable: true,
    })
  }
}

/** As many Unison processes go on running as the settings allow. */
export class EnoughSessionsError extends SpansyncError {
  constructor() {
    super({
      code: 'enough_sessions',
      message: 'enough running sessions are open',
      remedy: 'nothing to do: others are dictated one by one; advanced.persistentPairs says how many there may be',
      retryable: true,
    })
  }
}

/** Another directory lies at the folder's path now: a disk was mounted or the directory was exchanged. */
export class RootReplacedError extends SpansyncError {
  constructor(root: string) {
    super({
      code: 'root_replaced',
      message: `${root} is another directory now; it is looked at anew`,
      remedy: 'nothing to do: it goes on by itself when that is the folder',
      retryable: true,
    })
  }
}
