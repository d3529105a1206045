import { StoreDamagedError } from '../errors.ts'
import type { Acquisition, Epoch, LeaseHolder, LeaseStore } from '../store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { script } from './script.ts'

// The lease is a string `EPOCH TTL HOLDER` that Redis removes by itself when its time is up; the epoch has a key of its own, which stays.
// Times are the server's: the clocks of the coordinators mean nothing.

/** KEYS: lease, epoch. ARGV: holder, ttl. Epochs are written with '%.0f' because Lua would make 1.7e+12 of them. */
const acquire = script(`
local held = redis.call('GET', KEYS[1])
if held then
  local holder = string.match(held, '^%d+ %d+ (.*)$')
  if holder ~= ARGV[1] then return {'held', holder or '', redis.call('PTTL', KEYS[1])} end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local epoch = string.format('%.0f', math.max(last + 1, now))
redis.call('SET', KEYS[2], epoch)
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[2] .. ' ' .. ARGV[1], 'NX', 'PX', ARGV[2])
return {'acquired', epoch}
`)

/** KEYS: lease. ARGV: epoch. */
const renew = script(`
local epoch, ttl = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) ')
if epoch ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ttl)
`)

/** KEYS: lease. ARGV: epoch. */
const release = script(`
local epoch = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) ')
if epoch ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/** KEYS: lease. One step, so that the text and the time left belong together. */
const current = script(`return {redis.call('GET', KEYS[1]) or '', redis.call('PTTL', KEYS[1])}`)

export class RedisLease implements LeaseStore {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async acquire(holder: string, ttlMs: number, signal?: AbortSignal): Promise<Acquisition> {
    const input = { keys: [this.#lease, this.#connection.key('epoch')], args: [holder, ttlMs] }
    const answer = (await this.#connection.runScript(acquire, input, signal)) as string[]
    const [status, value = '', leftMs] = answer
    if (status === 'acquired') return { status: 'acquired', epoch: Number(value) as Epoch }
    return { status: 'held', by: value, leftMs: Math.max(0, Number(leftMs)) }
  }

  async renew(epoch: Epoch, signal?: AbortSignal): Promise<boolean> {
    return (await this.#connection.runScript(renew, { keys: [this.#lease], args: [epoch] }, signal)) === 1
  }

  async release(epoch: Epoch, signal?: AbortSignal): Promise<void> {
    await this.#connection.runScript(release, { keys: [this.#lease], args: [epoch] }, signal)
  }

  async current(signal?: AbortSignal): Promise<LeaseHolder | undefined> {
    const answer = await this.#connection.runScript(current, { keys: [this.#lease], args: [] }, signal)
    const [text, leftMs] = answer as [string, number]
    if (text === '') return undefined
    const [, epoch, holder] = /^(\d+) \d+ (.*)$/s.exec(text) ?? []
    if (holder === undefined) throw new StoreDamagedError(this.#connection.location, new Error(`lease ${text}`))
    return { holder, epoch: Number(epoch) as Epoch, leftMs: Math.max(0, leftMs) }
  }

  get #lease(): string {
    return this.#connection.key('lease')
  }
}
