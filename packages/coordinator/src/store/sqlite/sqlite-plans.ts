import { load, parseJson } from '../loading.ts'
import { type PlanSnapshot, planSnapshotSchema } from '../records.ts'
import { bounds, type Epoch, type Loaded, type PlanStore } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

interface PlanRow {
  readonly folder: string
  readonly at: number
  readonly plan: string
}

export class SqlitePlans implements PlanStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#statements = {
      put: database.prepare('INSERT OR REPLACE INTO plan (folder, at, plan) VALUES (?, ?, ?)'),
      trim: database.prepare(
        `DELETE FROM plan WHERE folder = ? AND at <=
           (SELECT at FROM plan WHERE folder = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`,
      ),
      list: database.prepare<[{ since: number; folder: string | null }], PlanRow>(
        'SELECT folder, at, plan FROM plan WHERE at >= :since AND (:folder IS NULL OR folder = :folder) ORDER BY at, folder',
      ),
    }
  }

  async add(snapshots: readonly PlanSnapshot[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by: epoch }, () => {
      for (const { folder, at, plan } of snapshots) {
        this.#statements.put.run(folder, at, JSON.stringify(plan))
        this.#statements.trim.run(folder, folder, bounds.plansPerFolder)
      }
    })
  }

  async list(
    query: NonNullable<Parameters<PlanStore['list']>[0]> = {},
    signal?: AbortSignal,
  ): Promise<Loaded<PlanSnapshot>> {
    const { since = 0, folder = null } = query
    const rows = this.#file.read(signal, () => this.#statements.list.all({ since, folder }))
    return load(
      planSnapshotSchema,
      rows.map((row) => ({ ...row, plan: parseJson(row.plan) })),
      signal,
    )
  }
}
