import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Report, reportSchema } from '@spansync/common/protocol/coordination'
import type { Logger } from '@spansync/common/runtime/logger'
import Database from 'better-sqlite3'
import type { FetchRecord } from '../folder/options.ts'
import { guarded, IndexDamagedError } from '../index-store/errors.ts'
import { setAside } from '../index-store/open-index.ts'

/** Opens the queue in `file`, or makes it. A damaged one is set aside: what it held was statistics. */
export function openReportQueue(file: string, log: Logger): ReportQueue {
  try {
    return guarded(file, () => new ReportQueue(file))
  } catch (error) {
    if (!(error instanceof IndexDamagedError)) throw error
    const aside = setAside(file, 'damaged')
    log.warn({ event: 'reports.set_aside', aside, err: error }, 'statistics that waited for the coordinator are lost')
    return new ReportQueue(file)
  }
}

/** So many wait at most; then the oldest go, and are counted. About 5 MB. */
const mostReports = 20_000

/** Reports that the coordinator has not taken yet, on the disk: they outlive its absence and this agent's restarts. */
export class ReportQueue implements Disposable {
  readonly #database: Database.Database
  readonly #add: Database.Statement
  readonly #first: Database.Statement
  readonly #remove: Database.Statement
  readonly #trim: Database.Statement
  #count: number
  #dropped = 0

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    this.#database = new Database(file)
    try {
      this.#configure()
    } catch (error) {
      this.#database.close()
      throw error
    }
    this.#add = this.#database.prepare('INSERT OR IGNORE INTO queue (id, body) VALUES (?, ?)')
    this.#first = this.#database.prepare('SELECT id, body FROM queue ORDER BY seq LIMIT ?')
    this.#remove = this.#database.prepare('DELETE FROM queue WHERE id = ?')
    this.#trim = this.#database.prepare('DELETE FROM queue WHERE seq IN (SELECT seq FROM queue ORDER BY seq LIMIT ?)')
    this.#count = this.#database.prepare('SELECT count(*) FROM queue').pluck().get() as number
  }

  #configure(): void {
    this.#database.pragma('journal_mode = WAL')
    // A power cut may cost the last reports: they are statistics, and a flush for each would cost more than they are worth.
    this.#database.pragma('synchronous = NORMAL')
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT',
    )
  }

  get size(): number {
    return this.#count
  }

  /** Reports given up because too many waited. */
  get dropped(): number {
    return this.#dropped
  }

  add(report: Report): void {
    this.#count += this.#add.run(report.id, JSON.stringify(report)).changes
    const over = this.#count - mostReports
    if (over <= 0) return
    this.#count -= this.#trim.run(over).changes
    this.#dropped += over
  }

  /** The oldest. One that cannot be read, of another version, is given up. */
  first(limit: number): Report[] {
    return (this.#first.all(limit) as { id: string; body: string }[]).flatMap(({ id, body }) => {
      const parsed = reportSchema.safeParse(JSON.parse(body))
      if (parsed.success) return [parsed.data]
      this.remove(id)
      this.#dropped++
      return []
    })
  }

  remove(id: string): void {
    this.#count -= this.#remove.run(id).changes
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

/** What came is reported by whoever wanted it, so that each transfer counts once. */
export function reportOf(node: NodeId, record: FetchRecord): Report {
  const { startedAt, durationMs, reason } = record
  const times = { startedAt: Math.round(startedAt), durationMs: Math.max(0, durationMs) }
  return { ...record, ...times, id: randomUUID(), node, direction: 'received', reason: reason.slice(0, 1000) }
}
