import type { Clock } from '@spansync/common/ports'
import type { Database } from 'better-sqlite3'
import { FencedError } from '../errors.ts'
import type { Writer } from '../store.ts'
import { guarded } from './sqlite-errors.ts'

export interface WriteOptions {
  /** Refused when it is not the newest epoch. Checked inside the transaction, so nobody can take over between check and write. */
  readonly by?: Writer
  /** On the disk before it is acknowledged. Without it a power cut (not a crash of the program) can take the last moments. */
  readonly durable?: boolean
}

/** The open file, for the parts of the store. Several processes may have it open. */
export class SqliteFile {
  readonly database: Database
  readonly location: string
  readonly clock: Clock
  readonly #newestEpoch: () => number | undefined

  constructor(options: { readonly database: Database; readonly location: string; readonly clock: Clock }) {
    this.database = options.database
    this.location = options.location
    this.clock = options.clock
    const statement = this.database.prepare<[], number>('SELECT epoch FROM lease').pluck()
    this.#newestEpoch = () => statement.get()
  }

  read<T>(signal: AbortSignal | undefined, work: () => T): T {
    signal?.throwIfAborted()
    return guarded(this.location, work)
  }

  /** One transaction. Takes the lock first: one that reads before it writes would otherwise fail when another process wrote between. */
  write<T>(signal: AbortSignal | undefined, options: WriteOptions, work: () => T): T {
    signal?.throwIfAborted()
    return guarded(this.location, () => {
      this.database.pragma(`synchronous = ${options.durable === true ? 'FULL' : 'NORMAL'}`)
      return this.database
        .transaction(() => {
          this.#checkFence(options.by)
          return work()
        })
        .immediate()
    })
  }

  close(): void {
    if (this.database.open) guarded(this.location, () => this.database.close())
  }

  #checkFence(by: Writer | undefined): void {
    if (by === undefined || by === 'person') return
    const newest = this.#newestEpoch()
    // Not `newest > by`: an epoch from before the file was restored from an old copy does not lead either.
    if (newest !== by) throw new FencedError(by, newest ?? 0)
  }
}
