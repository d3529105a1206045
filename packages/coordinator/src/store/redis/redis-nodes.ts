import type { NodeId } from '@spansync/common/core/causal/types'
import { StoreDamagedError } from '../errors.ts'
import { compareText, parseJson } from '../loading.ts'
import { type NodeRecord, nodeRecordSchema, type RemovedNode, removedNodeSchema } from '../records.ts'
import type { NodeStore, Writer } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { fencedScript, fenceOf } from './script.ts'

/** KEYS: epoch, nodes, removed nodes. ARGV: fence, id, JSON. */
const put = fencedScript(`
redis.call('HDEL', KEYS[3], ARGV[2])
return redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])`)
/** KEYS: epoch, nodes, removed nodes. ARGV: fence, id. */
const remove = fencedScript(`
local time = redis.call('TIME')
local removed = redis.call('HDEL', KEYS[2], ARGV[2])
if removed == 1 then
  redis.call('HSET', KEYS[3], ARGV[2], string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)))
end
return removed`)

/** Two hashes: id to JSON, and the id of one that was removed to when, ms since 1970. */
export class RedisNodes implements NodeStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async list(signal?: AbortSignal): Promise<readonly NodeRecord[]> {
    const found = await this.#connection.run(signal, (redis) => redis.hvals(this.#connection.key('nodes')))
    const nodes = found.map((text) => {
      const parsed = nodeRecordSchema.safeParse(parseJson(text))
      if (!parsed.success) throw new StoreDamagedError(this.#connection.location, parsed.error)
      return parsed.data
    })
    return nodes.sort((left, right) => compareText(left.id, right.id))
  }

  async put(node: NodeRecord, by: Writer, signal?: AbortSignal): Promise<void> {
    const args = [fenceOf(by), node.id, JSON.stringify(nodeRecordSchema.parse(node))]
    await this.#connection.runScript(put, { keys: this.#keys, args }, signal)
  }

  async remove(id: NodeId, by: Writer, signal?: AbortSignal): Promise<boolean> {
    return (await this.#connection.runScript(remove, { keys: this.#keys, args: [fenceOf(by), id] }, signal)) === 1
  }

  async removed(signal?: AbortSignal): Promise<readonly RemovedNode[]> {
    const found = await this.#connection.run(signal, (redis) => redis.hgetall(this.#connection.key('removed-nodes')))
    const removed = Object.entries(found).map(([id, at]) => {
      const parsed = removedNodeSchema.safeParse({ id, removedAt: Number(at) })
      if (!parsed.success) throw new StoreDamagedError(this.#connection.location, parsed.error)
      return parsed.data
    })
    return removed.sort((left, right) => compareText(left.id, right.id))
  }

  get #keys(): string[] {
    return ['epoch', 'nodes', 'removed-nodes'].map((name) => this.#connection.key(name))
  }
}
