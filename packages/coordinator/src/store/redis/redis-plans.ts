import { compareText, inChunks, load, parseJson } from '../loading.ts'
import { type PlanSnapshot, planSnapshotSchema } from '../records.ts'
import { bounds, type Epoch, type Loaded, type PlanStore } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { fencedScript, fenceOf } from './script.ts'

/** KEYS: epoch, folders, then one per snapshot's folder. ARGV: fence, bound, then of each snapshot at, folder, JSON. A plan's text begins
 *  with its time, since two equal ones of different times would be one in a sorted set. */
const add = fencedScript(`
for k = 3, #KEYS do
  local at, folder, plan = ARGV[3 * k - 6], ARGV[3 * k - 5], ARGV[3 * k - 4]
  redis.call('ZREMRANGEBYSCORE', KEYS[k], at, at)
  redis.call('ZADD', KEYS[k], at, at .. ':' .. plan)
  redis.call('ZREMRANGEBYRANK', KEYS[k], 0, -(tonumber(ARGV[2]) + 1))
  redis.call('ZADD', KEYS[2], 'GT', at, folder)
end
`)

// Plans per script: they may be large.
const chunk = 20

/** A sorted set per folder, by time, and one of the folders by their latest plan. */
export class RedisPlans implements PlanStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async add(snapshots: readonly PlanSnapshot[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    for (const part of inChunks(snapshots, chunk)) {
      const own = part.map(({ folder }) => this.#connection.key('plans', folder))
      const keys = [this.#connection.key('epoch'), this.#connection.key('plan-folders'), ...own]
      const args = part.flatMap(({ at, folder, plan }) => [at, folder, JSON.stringify(plan)])
      await this.#connection.runScript(add, { keys, args: [fenceOf(epoch), bounds.plansPerFolder, ...args] }, signal)
    }
  }

  async list(
    query: NonNullable<Parameters<PlanStore['list']>[0]> = {},
    signal?: AbortSignal,
  ): Promise<Loaded<PlanSnapshot>> {
    const { since = 0 } = query
    const folders = query.folder === undefined ? await this.#folders(since, signal) : [query.folder]
    const found: { folder: string; at: number; plan: unknown }[] = []
    for (const folder of folders) {
      const key = this.#connection.key('plans', folder)
      const texts = await this.#connection.run(signal, (redis) => redis.zrange(key, since, '+inf', 'BYSCORE'))
      for (const text of texts) {
        const [, at, json = ''] = /^(\d+):(.*)$/s.exec(text) ?? []
        found.push({ folder, at: Number(at), plan: parseJson(json) })
      }
    }
    found.sort((left, right) => left.at - right.at || compareText(left.folder, right.folder))
    return load(planSnapshotSchema, found, signal)
  }

  #folders(since: number, signal?: AbortSignal): Promise<string[]> {
    const key = this.#connection.key('plan-folders')
    return this.#connection.run(signal, (redis) => redis.zrange(key, since, '+inf', 'BYSCORE'))
  }
}
