import { folderId, nodeId } from '@spansync/common/protocol/values'
import { z } from 'zod'
import { compareText, inChunks, load } from '../loading.ts'
import type { Report, TrafficRow } from '../records.ts'
import { amountsOf, dayOf, keyOf, mostSum, sumNames, toTrafficRow } from '../report-sums.ts'
import { bounds, type Epoch, type Loaded, type ReportStore, type ReportTally } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { fencedScript, fenceOf } from './script.ts'

// Per day a set of the ids that were counted and a hash of sums, both of which Redis removes when their time is up. The day is that of the
// session, which a report brings with it, so that one that comes again is looked for in the same place.

/** KEYS: epoch, days, then ids and sums of each day. ARGV: fence, days for reports, days for sums, then of each report its day, the index
 *  of its first key, id, field, amounts. Sums are written with '%.0f' because Lua would shorten large ones. */
const add = fencedScript(`
local today = math.floor(tonumber(redis.call('TIME')[1]) / 86400)
local reportDays, trafficDays = tonumber(ARGV[2]), tonumber(ARGV[3])
local added, repeated, misdated = 0, 0, 0
local function total(old, new)
  local sums, others = {}, string.gmatch(new, '%d+')
  for sum in string.gmatch(old, '%d+') do
    sums[#sums + 1] = string.format('%.0f', math.min(tonumber(sum) + tonumber(others()), ${mostSum}))
  end
  return table.concat(sums, ',')
end
for i = 4, #ARGV, 5 do
  local day, ids, sums = tonumber(ARGV[i]), KEYS[tonumber(ARGV[i + 1])], KEYS[tonumber(ARGV[i + 1]) + 1]
  if day < today - reportDays or day > today + 1 then
    misdated = misdated + 1
  elseif redis.call('SADD', ids, ARGV[i + 2]) == 0 then
    repeated = repeated + 1
  else
    local old = redis.call('HGET', sums, ARGV[i + 3])
    redis.call('HSET', sums, ARGV[i + 3], old and total(old, ARGV[i + 4]) or ARGV[i + 4])
    redis.call('ZADD', KEYS[2], day, day)
    redis.call('EXPIREAT', ids, (day + reportDays + 2) * 86400)
    redis.call('EXPIREAT', sums, (day + trafficDays + 2) * 86400)
    added = added + 1
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', today - trafficDays - 1)
return {added, repeated, misdated}
`)

// Reports per script: a few ms, during which the server serves nobody else.
const chunk = 500
// Days asked for at once.
const daysAtOnce = 50

const rowSchema = z.object({
  day: z.int(),
  a: nodeId,
  b: nodeId,
  folder: folderId,
  sums: z.array(z.number().min(0)).length(sumNames.length),
})

export class RedisReports implements ReportStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async add(reports: readonly Report[], epoch: Epoch, signal?: AbortSignal): Promise<ReportTally> {
    const tally = { added: 0, repeated: 0, misdated: 0 }
    for (const part of inChunks(reports, chunk)) {
      const [added = 0, repeated = 0, misdated = 0] = await this.#add(part, epoch, signal)
      tally.added += added
      tally.repeated += repeated
      tally.misdated += misdated
    }
    return tally
  }

  async statistics(query: { readonly since: number }, signal?: AbortSignal): Promise<Loaded<TrafficRow>> {
    const days = await this.#connection.run(signal, (redis) =>
      redis.zrange(this.#connection.key('traffic-days'), dayOf(query.since), '+inf', 'BYSCORE'),
    )
    const items: TrafficRow[] = []
    let dropped = 0
    for (const part of inChunks(days, daysAtOnce)) {
      const loaded = await load(
        rowSchema,
        (await Promise.all(part.map((day) => this.#day(day, signal)))).flat(),
        signal,
      )
      items.push(...loaded.items.map((row) => toTrafficRow(row, row.sums)))
      dropped += loaded.dropped
    }
    return { items, dropped }
  }

  async #add(reports: readonly Report[], epoch: Epoch, signal?: AbortSignal): Promise<number[]> {
    const keys = [this.#connection.key('epoch'), this.#connection.key('traffic-days')]
    const places = new Map<number, number>()
    const args: (string | number)[] = [fenceOf(epoch), bounds.reportDays, bounds.trafficDays]
    for (const report of reports) {
      const { day, a, b, folder } = keyOf(report)
      const place = places.get(day) ?? keys.push(this.#connection.key('report-ids', String(day)))
      if (!places.has(day)) keys.push(this.#connection.key('traffic', String(day)))
      places.set(day, place)
      args.push(day, place, report.id, `${a}:${b}:${folder}`, amountsOf(report).join(','))
    }
    return (await this.#connection.runScript(add, { keys, args }, signal)) as number[]
  }

  /** Its rows by a, b and folder, not yet checked. */
  async #day(day: string, signal?: AbortSignal): Promise<unknown[]> {
    const key = this.#connection.key('traffic', day)
    const fields = await this.#connection.run(signal, (redis) => redis.hgetall(key))
    const sorted = Object.entries(fields).sort(([left], [right]) => compareText(left, right))
    return sorted.map(([field, text]) => {
      // A folder's id may hold colons.
      const [, a, b, folder] = /^([^:]*):([^:]*):(.*)$/s.exec(field) ?? []
      return { day: Number(day), a, b, folder, sums: text.split(',').map(Number) }
    })
  }
}
