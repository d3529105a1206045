import { StoreDamagedError } from '../errors.ts'
import { parseJson } from '../loading.ts'
import { defaultSettings, settingsSchema } from '../records.ts'
import type { Replacement, SettingsStore, VersionedSettings } from '../store.ts'
import type { SqliteFile } from './sqlite-file.ts'

export class SqliteSettings implements SettingsStore {
  readonly #file: SqliteFile
  readonly #statements

  constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#statements = {
      read: database.prepare<[], { version: number; settings: string }>('SELECT version, settings FROM settings'),
      write: database.prepare('INSERT OR REPLACE INTO settings (id, version, settings) VALUES (1, ?, ?)'),
    }
  }

  async read(signal?: AbortSignal): Promise<VersionedSettings> {
    return this.#file.read(signal, () => this.#read())
  }

  async replace(change: Parameters<SettingsStore['replace']>[0], signal?: AbortSignal): Promise<Replacement> {
    const { expected, by } = change
    const settings = settingsSchema.parse(change.settings)
    return this.#file.write(signal, { by, durable: true }, (): Replacement => {
      const current = this.#read()
      if (current.version !== expected) return { status: 'conflict', current }
      this.#statements.write.run(expected + 1, JSON.stringify(settings))
      return { status: 'replaced', version: expected + 1 }
    })
  }

  #read(): VersionedSettings {
    const row = this.#statements.read.get()
    if (row === undefined) return { version: 0, settings: defaultSettings }
    const parsed = settingsSchema.safeParse(parseJson(row.settings))
    if (!parsed.success) throw new StoreDamagedError(this.#file.location, parsed.error)
    return { version: row.version, settings: parsed.data }
  }
}
