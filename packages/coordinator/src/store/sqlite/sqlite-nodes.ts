import type { NodeId } from '@spansync/common/core/causal/types'
import { StoreDamagedError } from '../errors.ts'
import { type NodeRecord, nodeRecordSchema, type RemovedNode, removedNodeSchema } from '../records.ts'
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
      removed: database.prepare('SELECT id, removed_at AS removedAt FROM removed_node ORDER BY id'),
      remember: database.prepare('INSERT OR REPLACE INTO removed_node (id, removed_at) VALUES (?, ?)'),
      forget: database.prepare('DELETE FROM removed_node WHERE id = ?'),
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
    this.#file.write(signal, { by, durable: true }, () => {
      this.#statements.put.run(row)
      this.#statements.forget.run(row.id)
    })
  }

  async remove(id: NodeId, by: Writer, signal?: AbortSignal): Promise<boolean> {
    const removedAt = Math.round(this.#file.clock.wallNow())
    return this.#file.write(signal, { by, durable: true }, () => {
      const wasThere = this.#statements.remove.run(id).changes > 0
      if (wasThere) this.#statements.remember.run(id, removedAt)
      return wasThere
    })
  }

  async removed(signal?: AbortSignal): Promise<readonly RemovedNode[]> {
    const rows = this.#file.read(signal, () => this.#statements.removed.all())
    return rows.map((row) => {
      const parsed = removedNodeSchema.safeParse(row)
      if (!parsed.success) throw new StoreDamagedError(this.#file.location, parsed.error)
      return parsed.data
    })
  }
}
