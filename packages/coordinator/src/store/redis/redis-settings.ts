import { StoreDamagedError } from '../errors.ts'
import { parseJson } from '../loading.ts'
import { defaultSettings, settingsSchema } from '../records.ts'
import type { Replacement, SettingsStore, VersionedSettings } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { fencedScript, fenceOf } from './script.ts'

/** KEYS: epoch, settings. ARGV: fence, expected version, JSON. Answers the new version, or the settings that were in the way. */
const replace = fencedScript(`
local version = redis.call('HGET', KEYS[2], 'version') or '0'
if version ~= ARGV[2] then return {version, redis.call('HGET', KEYS[2], 'settings')} end
redis.call('HSET', KEYS[2], 'settings', ARGV[3])
return redis.call('HINCRBY', KEYS[2], 'version', 1)
`)

/** A hash with two fields: version and settings (JSON). */
export class RedisSettings implements SettingsStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async read(signal?: AbortSignal): Promise<VersionedSettings> {
    const key = this.#connection.key('settings')
    return this.#parse(await this.#connection.run(signal, (redis) => redis.hmget(key, 'version', 'settings')))
  }

  async replace(change: Parameters<SettingsStore['replace']>[0], signal?: AbortSignal): Promise<Replacement> {
    const { expected, by } = change
    const settings = settingsSchema.parse(change.settings)
    const keys = [this.#connection.key('epoch'), this.#connection.key('settings')]
    const args = [fenceOf(by), expected, JSON.stringify(settings)]
    const answer = await this.#connection.runScript(replace, { keys, args }, signal)
    if (typeof answer === 'number') return { status: 'replaced', version: answer }
    const [version, text = null] = answer as (string | null)[]
    return { status: 'conflict', current: this.#parse(version === '0' ? [] : [version, text]) }
  }

  #parse([version = null, text = null]: readonly (string | null | undefined)[]): VersionedSettings {
    if (version === null && text === null) return { version: 0, settings: defaultSettings }
    const parsed = settingsSchema.safeParse(parseJson(text ?? ''))
    if (!parsed.success) throw new StoreDamagedError(this.#connection.location, parsed.error)
    return { version: Number(version), settings: parsed.data }
  }
}
