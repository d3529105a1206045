import type { Acquisition, Epoch, LeaseHolder, LeaseStore } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

interface LeaseRow {
  readonly epoch: Epoch
  readonly holder: string
  readonly ttl_ms: number
  readonly until_ms: number
}

const durable = { durable: true } as const

/** The lease as a row. All processes that have the file open are on one machine, and so share a clock. */
export class SqliteLease implements LeaseStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#statements = {
      read: database.prepare<[], LeaseRow>('SELECT epoch, holder, ttl_ms, until_ms FROM lease'),
      write: database.prepare(
        `INSERT INTO lease (id, epoch, holder, ttl_ms, until_ms) VALUES (1, :epoch, :holder, :ttl_ms, :until_ms)
         ON CONFLICT (id) DO UPDATE SET epoch = :epoch, holder = :holder, ttl_ms = :ttl_ms, until_ms = :until_ms`,
      ),
      extend: database.prepare('UPDATE lease SET until_ms = ?'),
    }
  }

  async acquire(holder: string, ttlMs: number, signal?: AbortSignal): Promise<Acquisition> {
    return this.#file.write(signal, durable, (): Acquisition => {
      const row = this.#statements.read.get()
      const leftMs = row === undefined ? 0 : this.#leftMs(row)
      if (row !== undefined && leftMs > 0 && row.holder !== holder) {
        // The clock was set back: without this the lease would last until it has caught up.
        if (row.until_ms > this.#now() + leftMs) this.#statements.extend.run(this.#now() + leftMs)
        return { status: 'held', by: row.holder, leftMs }
      }
      const epoch = Math.max((row?.epoch ?? 0) + 1, this.#now()) as Epoch
      this.#statements.write.run({ epoch, holder, ttl_ms: ttlMs, until_ms: this.#now() + ttlMs })
      return { status: 'acquired', epoch }
    })
  }

  async renew(epoch: Epoch, signal?: AbortSignal): Promise<boolean> {
    // Not durable: after a power cut nobody leads, and that the lease lasted a little less than was said harms nobody.
    return this.#file.write(signal, {}, () => {
      const row = this.#statements.read.get()
      if (row?.epoch !== epoch || this.#leftMs(row) <= 0) return false
      this.#statements.extend.run(this.#now() + row.ttl_ms)
      return true
    })
  }

  async release(epoch: Epoch, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, durable, () => {
      if (this.#statements.read.get()?.epoch === epoch) this.#statements.extend.run(0)
    })
  }

  async current(signal?: AbortSignal): Promise<LeaseHolder | undefined> {
    return this.#file.read(signal, () => {
      const row = this.#statements.read.get()
      if (row === undefined) return undefined
      const leftMs = this.#leftMs(row)
      return leftMs > 0 ? { holder: row.holder, epoch: row.epoch, leftMs } : undefined
    })
  }

  #now(): number {
    return Math.floor(this.#file.clock.wallNow())
  }

  #leftMs(row: LeaseRow): number {
    return Math.min(row.until_ms - this.#now(), row.ttl_ms)
  }
}
