import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Report, reportSchema } from '@spansync/common/protocol/coordination'
import Database from 'better-sqlite3'
import type { FetchRecord } from '../folder/options.ts'

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
    this.#database.pragma('journal_mode = WAL')
    // A power cut may cost the last reports: they are statistics, and a flush for each would cost more than they are worth.
    this.#database.pragma('synchronous = NORMAL')
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT',
    )
    this.#add = this.#database.prepare('INSERT OR IGNORE INTO queue (id, body) VALUES (?, ?)')
    this.#first = this.#database.prepare('SELECT body FROM queue ORDER BY seq LIMIT ?').pluck()
    this.#remove = this.#database.prepare('DELETE FROM queue WHERE id = ?')
    this.#trim = this.#database.prepare('DELETE FROM queue WHERE seq IN (SELECT seq FROM queue ORDER BY seq LIMIT ?)')
    this.#count = this.#database.prepare('SELECT count(*) FROM queue').pluck().get() as number
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

  /** The oldest. */
  first(limit: number): Report[] {
    return (this.#first.all(limit) as string[]).map((body) => reportSchema.parse(JSON.parse(body)))
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
