import type { NodeId } from '@spansync/common/core/causal/types'
import { StoreDamagedError } from '../errors.ts'
import { type NodeRecord, nodeRecordSchema } from '../records.ts'
import type { NodeStore, Writer } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

export class SqliteNodes implements NodeStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#statements = {
      list: database.prepare('SELECT id, name, nkey, added_at AS addedAt FROM node ORDER BY id'),
      put: database.prepare(
        'INSERT OR REPLACE INTO node (id, name, nkey, added_at) VALUES (:id, :name, :nkey, :addedAt)',
      ),
      remove: database.prepare('DELETE FROM node WHERE id = ?'),
    }
  }

  async list(signal?: AbortSignal): Promise<readonly NodeRecord[]> {
    const rows = this.#file.read(signal, () => this.#statements.list.all())
    return rows.map((row) => {
      const parsed = nodeRecordSchema.safeParse(row)
      if (!parsed.success) throw new StoreDamagedError(this.#file.location, parsed.error)
      return parsed.data
    })
  }

  async put(node: NodeRecord, by: Writer, signal?: AbortSignal): Promise<void> {
    const row = nodeRecordSchema.parse(node)
    this.#file.write(signal, { by, durable: true }, () => this.#statements.put.run(row))
  }

  async remove(id: NodeId, by: Writer, signal?: AbortSignal): Promise<boolean> {
    return this.#file.write(signal, { by, durable: true }, () => this.#statements.remove.run(id).changes > 0)
  }
}
