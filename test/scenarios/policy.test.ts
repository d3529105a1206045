import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connectControl } from '@spansync/agent/control/client'
import { editConfig } from '@spansync/common/config/edit'
import type { Held } from '@spansync/common/protocol/status'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

/** A window that is shut now, and for hours yet. */
function shutWindow(): string {
  const hour = (new Date().getUTCHours() + 12) % 24
  return `${hour}:00-${hour}:30`
}

/** A large file that is being written is left to rest first. */
const settleSeconds = 0.5

describeLab('policy', () => {
  const graph = parseGraph('graph policy { laptop -- server [rate="100mbit" delay="2ms"] }')
  const fleet = useFleet(graph)
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
  /** A second folder over the same link that nobody says anything about. */
  const free = (node: string): Place => new Place(join(fleet().agent(node).folderPath, '..', 'free'))

  beforeAll(async () => {
    for (const node of ['laptop', 'server']) await fleet().agent(node).addFolder('free', free(node).directory)
  }, 60_000)

  afterEach(async () => {
    await say(['policy'], undefined)
    await say(['folders', 'f', 'policy'], undefined)
    await say(['peers', 'server', 'metered'], undefined)
    await untilHeld(undefined)
    await fleet().untilEqual()
  }, 60_000)

  const say = (path: readonly string[], value: unknown): Promise<void> =>
    editConfig(fleet().agent('laptop').home, (editor) => {
      if (value === undefined) editor.remove(path)
      else editor.set(path, value)
    })

  const heldOnLaptop = async (): Promise<Held | undefined> => {
    const { folders } = await fleet().agent('laptop').glance()
    return folders.find(({ id }) => id === 'f')?.peers[0]?.held
  }

  const whyOnLaptop = (path: string) => connectControl(fleet().agent('laptop').home).why({ folder: 'f', path })
  const whyOnServer = () => connectControl(fleet().agent('server').home).why({ folder: 'f' })

  const untilHeld = (door: Held['door'] | undefined): Promise<unknown> =>
    until(async () => (await heldOnLaptop())?.door === door, {
      deadlineMs: 10_000,
      what: `the laptop's door is ${door ?? 'open'}`,
    })

  /** What was written before in the other folder would have passed after all that may pass in this one. */
  const untilFreePassed = async (text: string): Promise<void> => {
    for (const [from, to] of [
      ['laptop', 'server'],
      ['server', 'laptop'],
    ] as const) {
      const name = `${text} of ${from}`
      free(from).write(name, 'x')
      await until(() => free(to).exists(name), { deadlineMs: 15_000, what: `${name} comes to ${to}` })
    }
  }

  test.each<[string, readonly (readonly [readonly string[], unknown])[]]>([
    ['paused', [[['folders', 'f', 'policy', 'paused'], true]]],
    [
      'window',
      [
        [['folders', 'f', 'policy', 'windows'], [shutWindow()]],
        [['folders', 'f', 'policy', 'timezone'], 'UTC'],
      ],
    ],
    [
      'metered',
      [
        [['peers', 'server', 'metered'], true],
        [['folders', 'f', 'policy', 'onMetered'], false],
      ],
    ],
    ['network', [[['folders', 'f', 'policy', 'networks'], [{ cidr: '203.0.113.0/24' }]]]],
  ])('%s: nothing passes, either way, until it may; then everything does', async (rule, settings) => {
    for (const [path, value] of settings) await say(path, value)
    await untilHeld('shut')
    expect((await heldOnLaptop())?.reasons).toMatchObject([
      { rule, key: settings.at(-1)?.[0].join('.').replace('timezone', 'windows') },
    ])
    place('laptop').write(`${rule} at laptop`, 'x')
    place('server').write(`${rule} at server`, 'x')
    await untilFreePassed(rule)
    expect(place('server').exists(`${rule} at laptop`)).toBe(false)
    expect(place('laptop').exists(`${rule} at server`)).toBe(false)
    const { peers } = await whyOnLaptop(`${rule} at laptop`)
    expect(peers).toMatchObject([
      { peer: 'server', explanations: [{ code: 'policy', where: { line: expect.any(Number) } }] },
    ])
    const isHeldUp = async (): Promise<boolean> => {
      const [{ state, explanations } = {}] = (await whyOnServer()).peers
      return state === 'blocked' && explanations?.[0]?.code === 'peer_policy'
    }
    await until(isHeldUp, { deadlineMs: 5000, what: 'the server knows of the door' })
    await say(['folders', 'f', 'policy'], undefined)
    await fleet().untilEqual()
    await until(async () => (await whyOnLaptop(`${rule} at laptop`)).peers[0]?.state === 'equal', {
      deadlineMs: 5000,
      what: 'the laptop has heard that both are equal',
    })
    expect(place('laptop').list()).toEqual(expect.arrayContaining([`${rule} at laptop`, `${rule} at server`]))
  })

  test('a laptop that only sends changes nothing here, and its own work passes', async () => {
    await say(['folders', 'f', 'policy', 'direction'], 'send-only')
    await untilHeld('gives')
    place('server').write('from the server', 'x')
    place('laptop').write('from the laptop', 'x')
    await until(() => place('server').exists('from the laptop'), { deadlineMs: 10_000, what: 'it passes' })
    await untilFreePassed('one way')
    expect(place('laptop').exists('from the server')).toBe(false)
  })

  test('a laptop that only receives keeps its own work to itself', async () => {
    await say(['folders', 'f', 'policy', 'direction'], 'receive-only')
    await untilHeld('takes')
    place('laptop').write('own', 'x')
    place('server').write('given', 'x')
    await until(() => place('laptop').exists('given'), { deadlineMs: 10_000, what: 'it passes' })
    await untilFreePassed('the other way')
    expect(place('server').exists('own')).toBe(false)
    await until(async () => (await whyOnServer()).peers[0]?.explanations[0]?.code === 'peer_policy', {
      deadlineMs: 5000,
      what: 'the server knows that there is more to come',
    })
  })

  test('a pause cuts off what is under way, which goes on afterwards', async () => {
    const link = fleet().lab.link('laptop', 'server')
    const before = link.bytes()
    place('server').write('large', randomBytes(40_000_000))
    await until(() => link.bytes() > before + 2_000_000, { deadlineMs: 10_000, what: 'the transfer is under way' })
    await say(['folders', 'f', 'policy', 'paused'], true)
    await untilHeld('shut')
    let last = link.bytes()
    const isQuiet = (): boolean => {
      const now = link.bytes()
      const quiet = now - last < 20_000
      last = now
      return quiet
    }
    await until(isQuiet, { deadlineMs: 5000, intervalMs: 500, what: 'nothing passes any more' })
    expect(place('laptop').exists('large')).toBe(false)
    expect(link.bytes() - before).toBeLessThan(35_000_000)
    await say(['folders', 'f', 'policy'], undefined)
    await fleet().untilEqual()
  })

  test('a link is no faster than it may be, and is so again at once', async () => {
    await say(['peers', 'server', 'policy', 'rates'], [{ send: '1MB/s' }])
    place('laptop').write('slow', randomBytes(4_000_000))
    const begun = performance.now()
    await until(() => place('server').exists('slow'), { deadlineMs: 20_000, what: 'it passes' })
    expect(performance.now() - begun).toBeGreaterThan(3000)
    await say(['peers', 'server', 'policy'], undefined)
    place('laptop').write('fast', randomBytes(8_000_000))
    const again = performance.now()
    await until(() => place('server').exists('fast'), { deadlineMs: 20_000, what: 'it passes' })
    expect(performance.now() - again).toBeLessThan(6000)
  })

  test('a folder has a rate of its own, and another one over the same link goes as fast as the link', async () => {
    const bytes = 8_000_000
    await say(['folders', 'f', 'policy', 'rates'], [{ send: '1MB/s' }])
    const begun = performance.now()
    const secondsUntil = async (there: Place): Promise<number> => {
      await until(() => there.exists('as fast as it may'), { deadlineMs: 30_000, intervalMs: 50, what: 'it passes' })
      return (performance.now() - begun) / 1000
    }
    place('laptop').write('as fast as it may', randomBytes(bytes))
    free('laptop').write('as fast as it may', randomBytes(bytes))
    const [limited, unlimited] = await Promise.all([secondsUntil(place('server')), secondsUntil(free('server'))])
    expect(limited).toBeGreaterThan(0.85 * (bytes / 1_000_000))
    expect(limited).toBeLessThan(1.15 * (bytes / 1_000_000) + settleSeconds)
    expect(unlimited).toBeLessThan(4)
  })

  test('what is left out by policy stays where it is, and is deleted nowhere', async () => {
    place('laptop').write('film.MKV', 'x').write('kept.txt', 'x')
    await fleet().untilEqual()
    await say(['policy', 'exclude'], ['type:video'])
    place('laptop').write('another.mkv', 'x').write('after.txt', 'x')
    await until(() => place('server').exists('after.txt'), { deadlineMs: 15_000, what: 'after.txt passes' })
    expect(place('server').list()).toEqual(expect.arrayContaining(['film.MKV', 'kept.txt']))
    expect(place('laptop').list()).toEqual(expect.arrayContaining(['film.MKV', 'kept.txt', 'another.mkv']))
    expect(place('server').exists('another.mkv')).toBe(false)
    const { peers } = await whyOnLaptop('another.mkv')
    expect(peers).toMatchObject([
      { state: 'blocked', explanations: [{ code: 'unwanted', where: { key: 'policy.exclude' } }] },
    ])
  })
})
