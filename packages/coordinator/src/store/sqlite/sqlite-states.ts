import type { NodeId } from '@spansync/common/core/causal/types'
import { stateSchema } from '@spansync/common/protocol/coordination'
import { load, parseJson } from '../loading.ts'
import type { State } from '../records.ts'
import type { Epoch, Loaded, StateStore, Writer } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

// Rows per read: a statement that is left open between two turns of the loop would block this connection.
const page = 200

export class SqliteStates implements StateStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#statements = {
      put: database.prepare('INSERT OR REPLACE INTO state (node, state) VALUES (?, ?)'),
      after: database.prepare<[string, number], { node: string; state: string }>(
        'SELECT node, state FROM state WHERE node > ? ORDER BY node LIMIT ?',
      ),
      remove: database.prepare('DELETE FROM state WHERE node = ?'),
    }
  }

  async put(states: readonly State[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by: epoch }, () => {
      for (const state of states) this.#statements.put.run(state.node, JSON.stringify(state))
    })
  }

  async list(signal?: AbortSignal): Promise<Loaded<State>> {
    return load(stateSchema, this.#parsed(signal), signal)
  }

  async remove(node: NodeId, by: Writer, signal?: AbortSignal): Promise<void> {
    this.#file.write(signal, { by }, () => this.#statements.remove.run(node))
  }

  *#parsed(signal: AbortSignal | undefined): Generator<unknown> {
    for (let last = ''; ; ) {
      const rows = this.#file.read(signal, () => this.#statements.after.all(last, page))
      for (const row of rows) yield parseJson(row.state)
      if (rows.length < page) return
      last = rows.at(-1)?.node ?? last
    }
  }
}
