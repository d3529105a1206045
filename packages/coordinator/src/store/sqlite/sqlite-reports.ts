import { folderId, nodeId } from '@spansync/common/protocol/values'
import { z } from 'zod'
import { inChunks, load } from '../loading.ts'
import type { Report, TrafficRow } from '../records.ts'
import { amountsOf, dayOf, keyOf, mostSum, sumNames, toTrafficRow } from '../report-sums.ts'
import { bounds, type Epoch, type Loaded, type ReportStore, type ReportTally } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

// Reports per transaction, a few ms: others on the same loop and the same file get their turn.
const chunk = 500

const sumColumns = [
  'a_to_b_bytes',
  'a_to_b_files',
  'b_to_a_bytes',
  'b_to_a_files',
  'sessions',
  'refused',
  'failed',
  'duration_ms',
]

const rowSchema = z.object({ day: z.int(), a: nodeId, b: nodeId, folder: folderId, sums: z.array(z.number().min(0)) })

export class SqliteReports implements ReportStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    this.#statements = prepare(file.database)
  }

  async add(reports: readonly Report[], epoch: Epoch, signal?: AbortSignal): Promise<ReportTally> {
    const tally = { added: 0, repeated: 0, misdated: 0 }
    for (const part of inChunks(reports, chunk)) {
      this.#file.write(signal, { by: epoch }, () => {
        const today = dayOf(this.#file.clock.wallNow())
        for (const report of part) tally[this.#add(report, today)]++
        this.#statements.forgetIds.run(today - bounds.reportDays)
        this.#statements.forgetTraffic.run(today - bounds.trafficDays)
      })
    }
    return tally
  }

  async statistics(query: { readonly since: number }, signal?: AbortSignal): Promise<Loaded<TrafficRow>> {
    const rows = this.#file.read(signal, () => this.#statements.traffic.all(dayOf(query.since)))
    const { items, dropped } = await load(
      rowSchema,
      rows.map(([day, a, b, folder, ...sums]) => ({ day, a, b, folder, sums })),
      signal,
    )
    return { items: items.map((row) => toTrafficRow(row, row.sums)), dropped }
  }

  #add(report: Report, today: number): keyof ReportTally {
    const { day, a, b, folder } = keyOf(report)
    if (day < today - bounds.reportDays || day > today + 1) return 'misdated'
    if (this.#statements.remember.run(day, report.id).changes === 0) return 'repeated'
    this.#statements.count.run(day, a, b, folder, ...amountsOf(report))
    return 'added'
  }
}

function prepare(database: SqliteFile['database']) {
  return {
    remember: database.prepare('INSERT OR IGNORE INTO report_id (day, id) VALUES (?, ?)'),
    count: database.prepare(
      `INSERT INTO traffic (day, a, b, folder, ${sumColumns.join(', ')})
       VALUES (?, ?, ?, ?, ${sumNames.map(() => '?').join(', ')})
       ON CONFLICT (day, a, b, folder) DO UPDATE SET
       ${sumColumns.map((column) => `${column} = min(${column} + excluded.${column}, ${mostSum})`).join(', ')}`,
    ),
    traffic: database
      .prepare<[number], unknown[]>(
        `SELECT day, a, b, folder, ${sumColumns.join(', ')} FROM traffic WHERE day >= ? ORDER BY day, a, b, folder`,
      )
      .raw(),
    forgetIds: database.prepare('DELETE FROM report_id WHERE day < ?'),
    forgetTraffic: database.prepare('DELETE FROM traffic WHERE day < ?'),
  }
}
