import type { DiskState, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import type { KeptPlace } from './kept-place.ts'

/** One operation on the disk. `expect` is the signature that the index holds for the path: when the disk shows another one,
 *  nothing is done and the answer is 'changed'. null: nothing may be there. */
export type Task =
  | {
      readonly op: 'remove'
      readonly path: RelativePath
      readonly expect: StatSignature
      /** Where the removed file is kept. */
      readonly keepIn?: KeptPlace | undefined
    }
  | {
      readonly op: 'rmdir'
      readonly path: RelativePath
      /** Where ignored names that are still inside are kept. Without it they make the directory 'not_empty'. */
      readonly keepIn?: KeptPlace | undefined
    }
  | {
      readonly op: 'mkdir'
      readonly path: RelativePath
      /** Absent: one that is there already stays as it is, and a new one is like any other. */
      readonly mode?: number | undefined
    }
  | {
      readonly op: 'chmod'
      readonly path: RelativePath
      readonly mode: number
      readonly mtimeUs?: number | undefined
      readonly expect?: StatSignature | undefined
      /** The content's hash that belongs to `expect`; without it the file is read again for the answer. */
      readonly hash?: string | undefined
    }
  | {
      readonly op: 'symlink'
      readonly path: RelativePath
      readonly target: string
      readonly expect?: StatSignature | null | undefined
    }
  | {
      readonly op: 'copy'
      readonly from: RelativePath
      readonly fromExpect: StatSignature
      readonly to: RelativePath
      readonly toExpect: StatSignature | null
      readonly mode: number
      readonly mtimeUs: number
      readonly hash: string
      /** Where what is overwritten is kept. */
      readonly keepIn?: KeptPlace | undefined
    }
  | {
      /** Puts a file in place that lies ready elsewhere on the same disk, and whose content has been checked. */
      readonly op: 'adopt'
      /** Absolute. */
      readonly file: string
      /** Absent: a file. */
      readonly kind?: 'file' | 'symlink'
      readonly to: RelativePath
      readonly toExpect: StatSignature | null
      readonly mode: number
      readonly mtimeUs: number
      readonly hash: string
      readonly keepIn?: KeptPlace | undefined
    }
  | {
      /** Copies a version from outside the folder into it, as if somebody wrote it now. */
      readonly op: 'restore'
      /** Absolute. */
      readonly file: string
      readonly to: RelativePath
      readonly toExpect: StatSignature | null
      /** Microseconds since 1970; absent: now. */
      readonly mtimeUs?: number | undefined
      readonly keepIn?: KeptPlace | undefined
    }
  | {
      /** Writes a new file where nothing is; the bytes are checked first. */
      readonly op: 'put'
      readonly to: RelativePath
      readonly bytes: Uint8Array
      readonly mode: number
      readonly mtimeUs: number
      readonly hash: string
    }
  | {
      readonly op: 'keep'
      readonly path: RelativePath
      readonly expect: StatSignature
      readonly to: RelativePath
    }

/** Why a task was not done.
 *  - changed: the disk is not as expected; nothing was touched · not_empty: the directory holds names that are not ignored
 *  - gone: what the task needs (the path, or the directory above it) is not there · no_space, denied: see the message
 *  - name_not_possible: this file system cannot hold the name · failed: anything else, also a way through a symbolic link */
export type TaskFailure = 'changed' | 'not_empty' | 'no_space' | 'denied' | 'name_not_possible' | 'gone' | 'failed'

/** In the order of the tasks. `disk`: what is now at the path that was written (`to`, where there is one); undefined after a removal. */
export type TaskResult =
  | { readonly code: 'done'; readonly disk: DiskState | undefined }
  | { readonly code: TaskFailure; readonly message: string }
