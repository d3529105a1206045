import { expect, test } from 'vitest'
import { z } from 'zod'
import { beatSchema, messageBytes } from '../../protocol/coordination.ts'
import { FakeClock } from '../../runtime/fake-clock.ts'
import { createLogger } from '../../runtime/logger.ts'
import { parseMessage, Refused } from './parse-message.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a message that fits', () => {
  const beat = { epoch: 3, mode: 'centralised' }
  expect(parseMessage(beatSchema, encode(JSON.stringify(beat)))).toEqual({ ok: true, value: beat })
})

test.each([
  ['nothing', encode(''), 'not JSON'],
  ['no JSON', encode('{"epoch":'), 'not JSON'],
  ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not JSON'],
  ['a missing value', encode('{"mode":"centralised"}'), 'epoch: '],
  ['a wrong value', encode('{"epoch":-1,"mode":"centralised"}'), 'epoch: '],
  ['something else', encode('[]'), 'message: '],
])('%s is refused', (_name, data, problem) => {
  const parsed = parseMessage(beatSchema, data)
  expect(parsed.ok ? '' : parsed.problem).toContain(problem)
})

test('what is too large is not even read', () => {
  const data = new Uint8Array(messageBytes + 1)
  expect(parseMessage(z.unknown(), data)).toEqual({ ok: false, problem: '1000001 bytes; at most 1000000 are allowed' })
  expect(parseMessage(z.string(), encode('"12345678"'), 9)).toMatchObject({ ok: false })
  expect(parseMessage(z.string(), encode('"12345678"'), 10)).toMatchObject({ ok: true })
})

test('a problem is one short line, whatever was sent', () => {
  const schema = z.record(z.string().regex(/^a/), z.number())
  const parsed = parseMessage(schema, encode(JSON.stringify({ [`a\n\u001b[31m${'x'.repeat(1000)}`]: 'no' })))
  const problem = parsed.ok ? '' : parsed.problem
  expect(problem.length).toBeLessThanOrEqual(200)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  expect(problem).not.toMatch(/[\x00-\x1f]/)
})

function refusedWithLog() {
  const lines: Record<string, unknown>[] = []
  const clock = new FakeClock()
  const log = createLogger({ destination: { write: (line) => lines.push(JSON.parse(line)) } })
  return { refused: new Refused({ log, clock }), clock, lines }
}

test('dropped messages are all counted and logged once a minute for each source', async () => {
  const { refused, clock, lines } = refusedWithLog()
  for (let i = 0; i < 5; i++) refused.note('a', 'not JSON')
  refused.note('b', 'not JSON')
  expect(refused.total).toBe(6)
  expect(lines.map(({ source, unlogged }) => [source, unlogged])).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  await clock.advance(60_000)
  refused.note('a', 'not JSON')
  expect(lines.at(-1)).toMatchObject({ event: 'nats.message_dropped', source: 'a', unlogged: 4 })
})

test('made-up sources share one entry when there are too many', () => {
  const { refused, lines } = refusedWithLog()
  for (let i = 0; i < 1000; i++) refused.note(`source ${i}`, 'not JSON')
  expect(refused.total).toBe(1000)
  expect(lines).toHaveLength(201)
  expect(lines.at(-1)).toMatchObject({ source: 'others' })
})
