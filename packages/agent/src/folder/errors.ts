import type { Problem } from '@spansync/common/protocol/status'
import { SpansyncError } from '@spansync/common/runtime/errors'

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

/** A person's word came while the folder was stopped. */
export class FolderClosedError extends SpansyncError {
  constructor(folder: string, problem: Problem | undefined) {
    super({
      code: 'folder_closed',
      message: `the folder ${folder} is not open${problem ? `: ${problem.message}` : ' yet'}`,
      remedy: problem?.remedy ?? 'try again in a moment',
      retryable: true,
    })
  }
}
