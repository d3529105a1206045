import { SpansyncError } from '@spansync/common/runtime/errors'

export type MarkerErrorCode =
  | 'root_missing'
  | 'root_not_directory'
  | 'root_not_readable'
  | 'marker_gone'
  | 'marker_invalid'
  | 'marker_foreign'

/** The folder's root is not what it should be: the folder stops and nothing is deleted anywhere. Retryable: it goes on by itself
 *  when the root is as it was (the disk is mounted again). */
export class MarkerError extends SpansyncError {
  declare readonly code: MarkerErrorCode

  constructor(options: { code: MarkerErrorCode; message: string; remedy: string; cause?: unknown }) {
    super({ ...options, retryable: true })
  }
}

/** One configured folder lies inside another (or is the same directory). */
export class NestedFoldersError extends SpansyncError {
  constructor(outer: { id: string; path: string }, inner: { id: string; path: string }) {
    super({
      code: 'nested_folders',
      message: `folder ${inner.id} (${inner.path}) lies inside folder ${outer.id} (${outer.path})`,
      remedy:
        'give each folder a directory of its own, or keep only one of them: ' +
        `spansync folder remove ${inner.id}   (removes it from the settings, the files stay)`,
    })
  }
}
