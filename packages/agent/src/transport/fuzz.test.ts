import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Message, messageSchema, protocolVersion, streamHeaderSchema } from '@spansync/common/protocol/messages'
import { statementSchema } from '@spansync/common/protocol/roster'
import { createRandom, type Random } from '@spansync/common/sim/random'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeInvite } from '../joining/code.ts'
import { joinRequestSchema } from '../joining/protocol.ts'
import { isGenuine } from '../membership/statement.ts'
import { ChunkReader, chunkHeader } from './chunk.ts'
import { encodeFrame, FrameReader } from './control-frame.ts'
import { FramingError } from './errors.ts'
import { decodePreamble, encodePreamble } from './preamble.ts'
import { linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'

/** SPANSYNC_LONG=1: a million of each. */
const rounds = process.env.SPANSYNC_LONG ? 1_000_000 : 20_000

const seed = Number(process.env.SPANSYNC_FUZZ_SEED ?? 1)

/** Counts why things were refused. Lets through nothing but what may be thrown. */
class Refusals {
  readonly counts = new Map<string, number>()

  count(reason: string): void {
    // Figures differ from case to case; the reason is the same.
    const kind = reason.replace(/\d+/g, 'N').slice(0, 80)
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }
}

const vector = { 'a.0123456789': 3 }
const entry = {
  path: 'd/x',
  kind: 'file',
  deleted: false,
  size: 3,
  mtimeUs: 5,
  mode: 0o644,
  hash: 'ab'.repeat(32),
  vector,
  dots: [['a.0123456789', 3]],
} as const
const id = 'cd'.repeat(32)
const folder = 'docs'
const statement = {
  subject: id,
  name: 'laptop',
  addresses: ['192.0.2.7:22070'],
  state: 'member',
  version: 1,
  at: 5,
  by: id,
  certificate: 'QUJD',
  signature: 'QUJD',
}

/** One of each kind, or near it: what is mutated has to get past the first checks to reach the others. */
const messages: readonly unknown[] = [
  {
    type: 'entries',
    folder,
    id: 1,
    entries: [entry, entry],
    toSeq: 4,
    complete: true,
    round: 'r',
    heard: [],
    partial: false,
  },
  { type: 'fetch', folder, id: 'f', way: 'force', paths: ['d/x'], covers: ['e'], files: 2, bytes: 6 },
  { type: 'fetched', folder, id: 'f', outcome: 'done', detail: '' },
  { type: 'resend', folder, all: true, round: 'r' },
  { type: 'disputed', folder, entries: [] },
  { type: 'members', folder, members: [{ node: id, version: 1, knowledge: vector, neighbours: [id] }] },
  { type: 'compare', folder, id: 'c', prefix: '0f', entries: [entry] },
  { type: 'compared', folder, id: 'c', settled: true, sums: ['0'.repeat(32)], entries: [] },
  { type: 'probe', folder, id: 'p', timeoutMs: 5 },
  { type: 'ahead', folder, entry },
  { type: 'ahead_wanted', folder, hash: entry.hash },
  { type: 'parcel_wanted', folder, id: 'p' },
  { type: 'folders', folders: [folder, 'music'] },
  { type: 'folders', folders: [folder, 'music'], priorities: { music: -5 } },
  { type: 'roster', statements: [statement, statement] },
]

const odd: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  Number.MAX_SAFE_INTEGER + 2,
  1e308,
  '',
  '..',
  '../../etc/passwd',
  '/etc/passwd',
  'a\0b',
  '.spansync/folder.json',
  '__proto__',
  '\u202e\ud800',
  'x'.repeat(5000),
  [],
  {},
  { toString: 1 },
]

/** The same with one or a few things about it that are not right. */
function mutate(random: Random, value: unknown): unknown {
  if (random.chance(0.15)) return random.pick(odd)
  if (Array.isArray(value)) {
    if (random.chance(0.1)) return Array.from({ length: random.below(40) }, () => value[0] ?? null)
    const at = random.below(Math.max(1, value.length))
    return value.map((one, index) => (index === at ? mutate(random, one) : one))
  }
  if (typeof value !== 'object' || value === null) return random.pick(odd)
  const keys = Object.keys(value)
  const key = random.pick(keys)
  const copy: Record<string, unknown> = { ...value }
  if (random.chance(0.15)) delete copy[key]
  else if (random.chance(0.1)) copy[`${key}x`] = copy[key]
  else copy[key] = mutate(random, copy[key])
  return copy
}

function noise(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))
}

/** Bytes that have changed on their way. */
function damaged(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let count = 1 + random.below(3); count > 0; count--) copy[random.below(copy.length)] = random.below(256)
  return random.chance(0.3) ? copy.subarray(0, random.below(copy.length + 1)) : copy
}

let collect: () => void
beforeAll(() => {
  setFlagsFromString('--expose-gc')
  collect = runInNewContext('gc') as () => void
})

/** What stays in memory when all is done. */
function heapMb(): number {
  collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

describe(`${rounds} random inputs, seed ${seed}: each is taken or refused for a reason that counts, and nothing stays`, () => {
  it('frames and chunks', () => {
    const random = createRandom(seed)
    const refusals = new Refusals()
    let taken = 0
    const before = heapMb()
    for (let round = 0; round < rounds; round++) {
      const payload = noise(random, 40)
      const whole = random.chance(0.5)
        ? encodeFrame(random.pick(['message', 'ping', 'bye', 'train']), payload)
        : Buffer.concat([
            chunkHeader(random.pick(['raw', 'zstd', 'end', 'abort']), payload.length, payload.length),
            payload,
          ])
      const bytes = random.chance(0.2) ? noise(random, 60) : damaged(random, whole)
      for (const reader of [new FrameReader(), new ChunkReader()]) {
        try {
          reader.feed(bytes)
          while (reader.next() !== undefined) taken++
        } catch (error) {
          if (!(error instanceof FramingError)) throw error
          refusals.count(error.message)
        }
      }
      if (decodePreamble(bytes) !== undefined) taken++
    }
    expect([taken > 0, refusals.counts.size > 5]).toEqual([true, true])
    expect(heapMb() - before).toBeLessThan(20)
  })

  it('messages', () => {
    const random = createRandom(seed)
    const refusals = new Refusals()
    let taken = 0
    const before = heapMb()
    for (let round = 0; round < rounds; round++) {
      const text = JSON.stringify(mutate(random, random.pick(messages))) ?? 'null'
      const value: unknown = JSON.parse(text)
      for (const schema of [messageSchema, streamHeaderSchema, joinRequestSchema]) {
        const parsed = schema.safeParse(value)
        if (parsed.success) taken++
        else refusals.count(`${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`)
      }
    }
    expect([taken > 0, refusals.counts.size > 20, refusals.total > rounds]).toEqual([true, true, true])
    expect(heapMb() - before).toBeLessThan(20)
  })

  it('statements of members, and invitations', () => {
    const random = createRandom(seed)
    let genuine = 0
    for (let round = 0; round < rounds / 10; round++) {
      const parsed = statementSchema.safeParse(mutate(random, statement))
      if (parsed.success && isGenuine(parsed.data)) genuine++
      expect(() => decodeInvite(noise(random, 90).toString('latin1'))).toThrow(
        expect.objectContaining({ code: 'bad_code' }),
      )
    }
    expect(genuine).toBe(0)
  })
})

describe('a link to a peer that talks nonsense', () => {
  const { start } = useLoopback(2)

  it('counts it, and takes what makes sense in between', async () => {
    const [a, b] = [await start(0), await start(1)]
    await linked(a, b)
    const random = createRandom(seed)
    const before = heapMb()
    let bad = 0
    for (let round = 0; round < 5000; round++) {
      const message = mutate(random, random.pick(messages)) as Message
      const isExchange = /"type":"(summary|entries|resend)"/.test(JSON.stringify(message))
      // After a gap in the exchange the link begins anew, as it should; that is tried elsewhere.
      if (isExchange || typeof message !== 'object' || message === null) continue
      if (!messageSchema.safeParse(JSON.parse(JSON.stringify(message))).success) bad++
      a.link.send(message)
    }
    a.link.send({ type: 'folders', folders: ['the last'] as never })
    const isLast = (message: Message | undefined): boolean =>
      message?.type === 'folders' && message.folders[0] === 'the last'
    await b.until(({ messages: heard, downs }) => downs.length > 0 || isLast(heard.at(-1)))
    expect(b.transport.links()[0]).toMatchObject({ up: true, badMessages: bad })
    expect([bad > 1000, b.downs]).toEqual([true, []])
    b.messages.length = 0
    expect(heapMb() - before).toBeLessThan(30)
  })

  it('ends with a frame that is none', () => {
    const reader = new FrameReader()
    reader.feed(encodePreamble({ kind: 'control', protocol: protocolVersion }))
    expect(() => reader.next()).toThrow(FramingError)
  })
})
