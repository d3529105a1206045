import type { NodeId } from '@spansync/common/core/causal/types'
import { StoreDamagedError } from '../errors.ts'
import { compareText, parseJson } from '../loading.ts'
import { type NodeRecord, nodeRecordSchema } from '../records.ts'
import type { NodeStore, Writer } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { fencedScript, fenceOf } from './script.ts'

/** KEYS: epoch, nodes. ARGV: fence, id, JSON. */
const put = fencedScript(`return redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])`)
/** KEYS: epoch, nodes. ARGV: fence, id. */
const remove = fencedScript(`return redis.call('HDEL', KEYS[2], ARGV[2])`)

/** A hash: id to JSON. */
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

  get #keys(): string[] {
    return [this.#connection.key('epoch'), this.#connection.key('nodes')]
  }
}
