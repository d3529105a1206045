import { compareText, inChunks, load, parseJson } from '../loading.ts'
import {
  inOrder,
  type LinkEnds,
  type LinkEvent,
  type LinkRecord,
  linkEventSchema,
  linkRecordSchema,
} from '../records.ts'
import { bounds, type Epoch, type LinkStore, type Loaded, type Writer } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { scanHash } from './scan.ts'
import { fencedScript, fenceOf, type Script } from './script.ts'

type EventsQuery = Parameters<LinkStore['events']>[0]
type EventsPage = Awaited<ReturnType<LinkStore['events']>>

// Every event is in two sorted sets by time: one of all links, to be listed, and one of its link, to be bounded. Both hold the same text,
// `AT:A:B:UP`, which sorts events of one ms by a and b, and makes an event that is written twice one.

/** KEYS: epoch, events, then one per link. ARGV: fence, bound, then of each event the index of its link's key, at, text. */
const append = fencedScript(`
for i = 3, #ARGV, 3 do
  redis.call('ZADD', KEYS[2], ARGV[i + 1], ARGV[i + 2])
  redis.call('ZADD', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2])
end
for k = 3, #KEYS do
  local excess = redis.call('ZCARD', KEYS[k]) - tonumber(ARGV[2])
  if excess > 0 then
    for _, text in ipairs(redis.call('ZRANGE', KEYS[k], 0, excess - 1)) do redis.call('ZREM', KEYS[2], text) end
    redis.call('ZREMRANGEBYRANK', KEYS[k], 0, excess - 1)
  end
end
`)

/** KEYS: epoch, records. ARGV: fence, then field and JSON of each. */
const putRecords = fencedScript(`for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end`)

/** KEYS: epoch, records, events, then one per link. ARGV: fence, then the field of each link. */
const remove = fencedScript(`
for k = 4, #KEYS do
  redis.call('HDEL', KEYS[2], ARGV[k - 2])
  for _, text in ipairs(redis.call('ZRANGE', KEYS[k], 0, -1)) do redis.call('ZREM', KEYS[3], text) end
  redis.call('DEL', KEYS[k])
end
`)

const chunk = 500

export class RedisLinks implements LinkStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async append(events: readonly LinkEvent[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    for (const part of inChunks(events, chunk)) {
      const keys = [this.#key('epoch'), this.#key('link-events')]
      const places = new Map<string, number>()
      const args: (string | number)[] = [fenceOf(epoch), bounds.eventsPerLink]
      for (const event of part.map(inOrder)) {
        const key = this.#key('link-events', event.a, event.b)
        const place = places.get(key) ?? keys.push(key)
        places.set(key, place)
        args.push(place, event.at, `${event.at}:${event.a}:${event.b}:${event.up ? 1 : 0}`)
      }
      await this.#run(append, { keys, args }, signal)
    }
  }

  async events(query: EventsQuery, signal?: AbortSignal): Promise<EventsPage> {
    const { since, limit = 10_000 } = query
    const key = this.#key('link-events')
    const found = await this.#connection.run(signal, async (redis) => {
      const page = await redis.zrange(key, since, '+inf', 'BYSCORE', 'LIMIT', 0, limit)
      if (page.length < limit) return { texts: page, next: undefined }
      const last = timeOf(page.at(-1) ?? '')
      const tied = await redis.zrange(key, String(last), String(last), 'BYSCORE')
      return { texts: [...page.filter((text) => timeOf(text) < last), ...tied], next: last + 1 }
    })
    const loaded = await load(linkEventSchema, found.texts.map(parseEvent), signal)
    return { ...loaded, next: found.next }
  }

  async putRecords(records: readonly LinkRecord[], epoch: Epoch, signal?: AbortSignal): Promise<void> {
    for (const part of inChunks(records, chunk)) {
      const fields = part.map(inOrder).flatMap((record) => [fieldOf(record), JSON.stringify(record)])
      const keys = [this.#key('epoch'), this.#key('links')]
      await this.#run(putRecords, { keys, args: [fenceOf(epoch), ...fields] }, signal)
    }
  }

  async records(signal?: AbortSignal): Promise<Loaded<LinkRecord>> {
    const found = await scanHash(this.#connection, this.#key('links'), signal)
    const inFieldOrder = [...found].sort(([left], [right]) => compareText(left, right))
    return load(
      linkRecordSchema,
      inFieldOrder.map(([, text]) => parseJson(text)),
      signal,
    )
  }

  async remove(links: readonly LinkEnds[], by: Writer, signal?: AbortSignal): Promise<void> {
    for (const part of inChunks(links.map(inOrder), chunk)) {
      const own = part.map(({ a, b }) => this.#key('link-events', a, b))
      const keys = [this.#key('epoch'), this.#key('links'), this.#key('link-events'), ...own]
      await this.#run(remove, { keys, args: [fenceOf(by), ...part.map(fieldOf)] }, signal)
    }
  }

  #key(...parts: readonly string[]): string {
    return this.#connection.key(...parts)
  }

  async #run(script: Script, input: { keys: string[]; args: (string | number)[] }, signal?: AbortSignal) {
    await this.#connection.runScript(script, input, signal)
  }
}

function fieldOf({ a, b }: LinkEnds): string {
  return `${a}:${b}`
}

function timeOf(text: string): number {
  return Number.parseInt(text, 10)
}

function parseEvent(text: string): unknown {
  const [at, a, b, up] = text.split(':')
  return { at: Number(at), a, b, up: up === '1' }
}
