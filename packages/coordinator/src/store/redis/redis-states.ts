import type { NodeId } from '@spansync/common/core/causal/types'
import { stateSchema } from '@spansync/common/protocol/coordination'
import { compareText, inChunks, load, parseJson } from '../loading.ts'
import type { State } from '../records.ts'
import type { Epoch, Loaded, StateStore, Writer } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { scanHash } from './scan.ts'
import { fencedScript, fenceOf } from './script.ts'

/** KEYS: epoch, states. ARGV: fence, then node and JSON of each. */
const put = fencedScript(`for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end`)
/** KEYS: epoch, states. ARGV: fence, node. */
const remove = fencedScript(`redis.call('HDEL', KEYS[2], ARGV[2])`)

// States per script: some may be large.
const chunk = 100

/** A hash: node to JSON. */
export class RedisStates implements StateStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async put(states: readonly State[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    for (const part of inChunks(states, chunk)) {
      const args = [fenceOf(epoch), ...part.flatMap((state) => [state.node, JSON.stringify(state)])]
      await this.#connection.runScript(put, { keys: this.#keys, args }, signal)
    }
  }

  async list(signal?: AbortSignal): Promise<Loaded<State>> {
    const found = await scanHash(this.#connection, this.#connection.key('states'), signal)
    const { items, dropped } = await load(stateSchema, mapped(found.values(), parseJson), signal)
    return { items: items.toSorted((left, right) => compareText(left.node, right.node)), dropped }
  }

  async remove(node: NodeId, by: Writer, signal?: AbortSignal): Promise<void> {
    await this.#connection.runScript(remove, { keys: this.#keys, args: [fenceOf(by), node] }, signal)
  }

  get #keys(): string[] {
    return [this.#connection.key('epoch'), this.#connection.key('states')]
  }
}

function* mapped<T, U>(items: Iterable<T>, change: (item: T) => U): Generator<U> {
  for (const item of items) yield change(item)
}
