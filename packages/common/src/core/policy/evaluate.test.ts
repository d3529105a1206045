import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyInstant, minuteOfWeekAt, quarterMs, zonedAt, zonesToTry } from '../../testing/wall-clock.ts'
import { evaluate, isAllowed } from './evaluate.ts'
import type { PolicyFacts } from './rules.ts'
import { mergeLayers, type Policy, type PolicySettings, type SomeSettings } from './settings.ts'
import { parseWindow, type Windows } from './windows.ts'

const window = (text: string): Windows => parseWindow(text) as Windows
const policyOf = (settings: Partial<PolicySettings>): Policy =>
  mergeLayers([{ settings, placeOf: (key) => ({ level: 'folder', key: `folders.docs.policy.${key}`, line: 7 }) }])

const noon = Date.parse('2027-03-26T12:00Z')
const facts = (some: Partial<PolicyFacts> = {}): PolicyFacts => ({
  now: noon,
  zone: 'Europe/Amsterdam',
  flow: 'send',
  link: { metered: false, usedThisMonthBytes: 0 },
  onBattery: false,
  ...some,
})
const link = (some: Partial<PolicyFacts['link']>): PolicyFacts['link'] => ({ ...facts().link, ...some })
const at = (text: string): number => Date.parse(text)

test('nobody has said anything: all is allowed, always', () => {
  expect(evaluate(policyOf({}), facts())).toEqual({ allowed: true, reasons: [], warnings: [], priority: 0 })
})

describe('one rule', () => {
  const cap = { bytes: 1000, warnPercent: 80 }
  const hour = 3_600_000
  const changes = { firstAtMs: noon - 5000, lastAtMs: noon - 1000 }
  test.each<[string, Partial<PolicySettings>, Partial<PolicyFacts>, number | undefined]>([
    ['paused', { paused: true }, {}, undefined],
    ['paused', { paused: { untilMs: noon + 7 } }, {}, noon + 7],
    ['direction', { direction: 'receive-only' }, {}, undefined],
    ['direction', { direction: 'send-only' }, { flow: 'receive' }, undefined],
    ['network', { networks: [{ ssid: 'Work' }] }, {}, undefined],
    ['network', { networks: [{ ssid: 'Work' }] }, { link: link({ network: { ssid: 'Home' } }) }, undefined],
    ['metered', { onMetered: false }, { link: link({ metered: true }) }, undefined],
    ['battery', { onBattery: false }, { onBattery: true }, undefined],
    ['data_cap', { dataCap: cap }, { link: link({ usedThisMonthBytes: 1000 }) }, at('2027-03-31T22:00Z')],
    ['window', { windows: window('mon-fri 14:00-18:00') }, {}, at('2027-03-26T13:00Z')],
    ['min_interval', { minIntervalMs: hour }, { lastSessionMs: noon - 1 }, noon - 1 + hour],
    ['min_interval', { minIntervalMs: hour, maxDelayMs: 6000 }, { lastSessionMs: noon - 1, changes }, noon + 1000],
    ['settle', { settleMs: 3000 }, { changes }, noon + 2000],
    ['settle', { settleMs: hour, maxDelayMs: 6000 }, { changes }, noon + 1000],
  ])('%s %j stops %j', (rule, settings, some, until) => {
    const { allowed, reasons, nextChangeAt } = evaluate(policyOf(settings), facts(some))
    expect({ allowed, rules: reasons.map((reason) => reason.rule), nextChangeAt }).toEqual({
      allowed: false,
      rules: [rule],
      nextChangeAt: until,
    })
    expect(reasons[0]?.where).toMatchObject({ level: 'folder', line: 7 })
    expect(reasons[0]?.remedy).not.toBe('')
  })

  test.each<[Partial<PolicySettings>, Partial<PolicyFacts>]>([
    [{ paused: { untilMs: noon } }, {}],
    [{ direction: 'receive-only' }, { flow: 'receive' }],
    [{ direction: 'send-only' }, {}],
    [{ networks: [{ ssid: 'Work' }, { cidr: '10.0.0.0/8' }] }, { link: link({ network: { address: '10.1.2.3' } }) }],
    [{ onMetered: false }, {}],
    [{ onBattery: false }, {}],
    [{ dataCap: cap }, { link: link({ usedThisMonthBytes: 999 }) }],
    [{ windows: window('13:00-14:00') }, {}],
    [{ minIntervalMs: hour }, {}],
    [{ minIntervalMs: hour }, { lastSessionMs: noon - hour }],
    [{ settleMs: 1000 }, { changes }],
    [{ settleMs: hour }, { changes, flow: 'receive' }],
    [{ settleMs: hour, maxDelayMs: 5000 }, { changes }],
  ])('%j lets %j pass', (settings, some) => {
    expect(evaluate(policyOf(settings), facts(some))).toMatchObject({ allowed: true, reasons: [] })
  })
})

test('several rules: all are named, and only when none is left may it pass', () => {
  const settings = { paused: { untilMs: at('2027-03-26T20:00Z') }, windows: window('14:00-18:00'), onMetered: false }
  const { reasons, nextChangeAt } = evaluate(policyOf(settings), facts())
  expect(reasons.map(({ rule }) => rule)).toEqual(['paused', 'window'])
  expect(nextChangeAt).toBe(at('2027-03-27T13:00Z'))
  const metered = evaluate(policyOf(settings), facts({ link: link({ metered: true }) }))
  expect(metered.nextChangeAt).toBeUndefined()
})

test('what an override decides is told with its own place; what it leaves open comes from the wider one', () => {
  const layer = (level: 'network' | 'link', settings: SomeSettings) => ({
    settings,
    placeOf: (key: string) => ({ level, key }),
  })
  const policy = mergeLayers([
    layer('network', { onMetered: false, priority: 3, windows: window('14:00-15:00') }),
    layer('link', { windows: window('20:00-21:00'), onMetered: undefined }),
  ])
  const { reasons, priority } = evaluate(policy, facts({ link: link({ metered: true }) }))
  expect(reasons.map(({ where }) => where)).toEqual([
    { level: 'network', key: 'onMetered' },
    { level: 'link', key: 'windows' },
  ])
  expect(priority).toBe(3)
})

describe('data caps', () => {
  const policy = policyOf({ dataCap: { bytes: 1000, warnPercent: 80 } })
  const used = (bytes: number) => evaluate(policy, facts({ link: link({ usedThisMonthBytes: bytes }) }))

  test('a warning before, a stop at the cap', () => {
    expect(used(799).warnings).toEqual([])
    expect(used(800)).toMatchObject({ allowed: true, warnings: [{ code: 'data_cap_near' }] })
    expect(used(1000)).toMatchObject({ allowed: false, warnings: [] })
  })

  test('a cap of nothing stops without a word about percents', () => {
    const none = policyOf({ dataCap: { bytes: 0, warnPercent: 80 } })
    expect(evaluate(none, facts())).toMatchObject({ allowed: false, warnings: [] })
  })
})

describe('rates', () => {
  const policy = policyOf({
    rates: [
      { during: window('mon-fri 08:00-18:00'), sendBps: 100, receiveBps: 200 },
      { during: window('22:00-23:00'), sendBps: 100 },
      { receiveBps: 900 },
    ],
  })

  test('the first whose time it is counts, by direction, until the rate is another one', () => {
    expect(evaluate(policy, facts())).toMatchObject({ rateBytesPerSecond: 100, nextChangeAt: at('2027-03-26T17:00Z') })
    const evening = { now: at('2027-03-26T20:00Z') }
    expect(evaluate(policy, facts(evening))).toMatchObject({ nextChangeAt: at('2027-03-26T21:00Z') })
    expect(evaluate(policy, facts(evening)).rateBytesPerSecond).toBeUndefined()
    expect(evaluate(policy, facts({ ...evening, flow: 'receive' }))).toMatchObject({
      rateBytesPerSecond: 900,
      nextChangeAt: at('2027-03-26T21:00Z'),
    })
  })
})

describe('against stepping the clock', () => {
  const texts = ['always', '23:00-06:00', 'mon-fri 08:00-18:00', 'sat,sun', 'sun 02:15-02:45', '00:00-01:00']
  const anyWindow = fc.constantFrom(...texts).map(window)
  const anySettings = fc.record({
    windows: anyWindow,
    pausedFor: fc.option(fc.integer({ min: -5, max: 300 })),
    used: fc.constantFrom(0, 1000),
    rates: fc.array(fc.record({ during: anyWindow, sendBps: fc.constantFrom(1, 2) }), { maxLength: 2 }),
    lastSession: fc.option(fc.integer({ min: -100, max: 0 })),
  })

  test.each(zonesToTry)('the next change is the first one, in %s', (zone) => {
    fc.assert(
      fc.property(anyInstant(zone), anySettings, (now, { windows, pausedFor, used, rates, lastSession }) => {
        const untilMs = now + (pausedFor ?? 0) * quarterMs
        const lastSessionMs = lastSession === null ? undefined : now + lastSession * quarterMs
        const policy = policyOf({
          windows,
          rates,
          paused: pausedFor === null ? false : { untilMs },
          dataCap: { bytes: 1000, warnPercent: 80 },
          minIntervalMs: 40 * quarterMs,
        })
        const month = zonedAt(zone, now).month
        const isIn = (during: Windows, minute: number) => during.some(({ from, to }) => from <= minute && minute < to)
        const expected = (ms: number): string => {
          const minute = minuteOfWeekAt(zone, ms)
          const isCapped = used >= 1000 && zonedAt(zone, ms).month === month
          const isResting = lastSessionMs !== undefined && ms < lastSessionMs + 40 * quarterMs
          if (isCapped || isResting || ms < untilMs || !isIn(windows, minute)) return 'shut'
          return `${rates.find(({ during }) => isIn(during, minute))?.sendBps}`
        }
        const before = expected(now)
        // A month, and the two weeks that a window may be away.
        const most = 47 * 96
        let steps = 1
        while (steps <= most && expected(now + steps * quarterMs) === before) steps++
        const asked = facts({ now, zone, lastSessionMs, link: link({ usedThisMonthBytes: used }) })
        const found = evaluate(policy, asked)
        expect(found.allowed ? `${found.rateBytesPerSecond}` : 'shut').toBe(before)
        expect(isAllowed(policy, asked)).toBe(found.allowed)
        expect(found.nextChangeAt).toBe(steps > most ? undefined : now + steps * quarterMs)
      }),
      { numRuns: 40 },
    )
  })
})
