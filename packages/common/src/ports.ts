import type { Duplex } from 'node:stream'
import type { DiskState, NodeId, RelativePath } from './core/causal/types.ts'
import type { Message, StreamHeader } from './protocol/messages.ts'

/** Time, injected everywhere so that tests can move it. Milliseconds since 1970. */
export interface Clock {
  /** For everything that is waited for or measured: whole, and never goes back, whatever happens to the wall clock. So it may drift from
   *  that, and stand still while the machine sleeps. */
  now(): number
  /** What a clock on the wall shows, for what is shown to people or compared with the times of files. It may jump either way. */
  wallNow(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export type { FolderIndex, FolderMeta, FolderTotals } from './core/causal/folder-index.ts'

/** A path that may have changed, as the watcher or a scan says. Hints only: the disk decides. */
export type Hint =
  | { readonly kind: 'path'; readonly path: RelativePath }
  | { readonly kind: 'rescan'; readonly reason: string }

/** One up link to a peer. `send` never blocks; it drops the link when the peer does not drain it (bounded queue). */
export interface Link {
  readonly peer: NodeId
  readonly name: string
  /** True when this node dialled: then it is the Unison client, and only then `openStream` works. */
  readonly dialed: boolean
  /** Of this end; tells which network the link goes over. Both may change while the link is up. */
  readonly localAddress?: string | undefined
  /** Of the far end, `host:port` as dialled or as seen. */
  readonly address?: string | undefined
  send(message: Message): void
  openStream(header: StreamHeader, signal?: AbortSignal): Promise<Duplex>
  drop(reason: string): void
}

/** What the disk worker answers for one path. `unwanted`: the rules for files leave it out. `unreadable` carries the error's code
 *  (EACCES, EIO) and `changing` means that the file changed while it was read. */
export type Observation =
  | { readonly path: RelativePath; readonly disk: DiskState | undefined }
  | {
      readonly path: RelativePath
      readonly problem: string
      readonly code: 'unreadable' | 'changing' | 'unsupported' | 'bad_name' | 'name_taken' | 'unwanted'
    }
