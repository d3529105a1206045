import { load } from '../loading.ts'
import {
  inOrder,
  type LinkEnds,
  type LinkEvent,
  type LinkRecord,
  linkEventSchema,
  linkRecordSchema,
} from '../records.ts'
import { bounds, type Epoch, type LinkStore, type Loaded, type Writer } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

type EventsQuery = Parameters<LinkStore['events']>[0]
type EventsPage = Awaited<ReturnType<LinkStore['events']>>

interface EventRow {
  readonly a: string
  readonly b: string
  readonly at: number
  readonly up: number
}

export class SqliteLinks implements LinkStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    this.#statements = prepare(file.database)
  }

  async append(events: readonly LinkEvent[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by: epoch }, () => {
      const touched = new Map<string, LinkEnds>()
      for (const event of events) {
        const { a, b, at, up } = inOrder(event)
        this.#statements.append.run(a, b, at, up ? 1 : 0)
        touched.set(a + b, { a, b })
      }
      for (const { a, b } of touched.values()) this.#statements.trim.run(a, b, a, b, bounds.eventsPerLink)
    })
  }

  async events(query: EventsQuery, signal?: AbortSignal): Promise<EventsPage> {
    const { since, limit = 10_000 } = query
    const rows = this.#file.read(signal, () => {
      const page = this.#statements.since.all(since, limit)
      const last = page.at(-1)
      if (last === undefined || page.length < limit) return page
      return [...page.filter(({ at }) => at < last.at), ...this.#statements.exactly.all(last.at)]
    })
    const loaded = await load(
      linkEventSchema,
      rows.map((row) => ({ ...row, up: row.up === 1 })),
      signal,
    )
    const last = rows.at(-1)
    return { ...loaded, next: last === undefined || rows.length < limit ? undefined : last.at + 1 }
  }

  async putRecords(records: readonly LinkRecord[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by: epoch }, () => {
      for (const record of records) {
        const { a, b, upMs, totalMs, rttMs = null, throughputBps = null } = inOrder(record)
        this.#statements.put.run(a, b, upMs, totalMs, rttMs, throughputBps)
      }
    })
  }

  async records(signal?: AbortSignal): Promise<Loaded<LinkRecord>> {
    const rows = this.#file.read(signal, () => this.#statements.records.all())
    return load(
      linkRecordSchema,
      rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))),
      signal,
    )
  }

  async remove(links: readonly LinkEnds[], by: Writer, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by }, () => {
      for (const { a, b } of links.map(inOrder)) {
        this.#statements.removeRecord.run(a, b)
        this.#statements.removeEvents.run(a, b)
      }
    })
  }
}

function prepare(database: SqliteFile['database']) {
  return {
    append: database.prepare('INSERT OR IGNORE INTO link_event (a, b, at, up) VALUES (?, ?, ?, ?)'),
    // Compares (at, up) with the newest that is one too many; when there is none, that is NULL and nothing goes.
    trim: database.prepare(
      `DELETE FROM link_event WHERE a = ? AND b = ? AND (at, up) <=
         (SELECT at, up FROM link_event WHERE a = ? AND b = ? ORDER BY at DESC, up DESC LIMIT 1 OFFSET ?)`,
    ),
    since: database.prepare<[number, number], EventRow>(
      'SELECT a, b, at, up FROM link_event WHERE at >= ? ORDER BY at, a, b, up LIMIT ?',
    ),
    exactly: database.prepare<[number], EventRow>('SELECT a, b, at, up FROM link_event WHERE at = ? ORDER BY a, b, up'),
    put: database.prepare(
      'INSERT OR REPLACE INTO link (a, b, up_ms, total_ms, rtt_ms, throughput_bps) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    records: database.prepare<[], Record<string, unknown>>(
      `SELECT a, b, up_ms AS upMs, total_ms AS totalMs, rtt_ms AS rttMs, throughput_bps AS throughputBps
       FROM link ORDER BY a, b`,
    ),
    removeRecord: database.prepare('DELETE FROM link WHERE a = ? AND b = ?'),
    removeEvents: database.prepare('DELETE FROM link_event WHERE a = ? AND b = ?'),
  }
}
