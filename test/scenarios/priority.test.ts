import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { WhyResult } from '@spansync/agent/control/api'
import { connectControl } from '@spansync/agent/control/client'
import { editConfig } from '@spansync/common/config/edit'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLab('priority', () => {
  const graph = parseGraph('graph priority { laptop -- server [rate="20mbit" delay="2ms"] }')
  const fleet = useFleet(graph)
  /** The fleet's own folder, and one that goes first. */
  const later = (node: string): Place => new Place(fleet().agent(node).folderPath)
  const first = (node: string): Place => new Place(join(fleet().agent(node).folderPath, '..', 'first'))

  const say = (node: string, path: readonly string[], value: unknown): Promise<void> =>
    editConfig(fleet().agent(node).home, (editor) => {
      if (value === undefined) editor.remove(path)
      else editor.set(path, value)
    })

  beforeAll(async () => {
    for (const node of ['laptop', 'server']) await fleet().agent(node).addFolder('first', first(node).directory)
    await say('laptop', ['folders', 'first', 'policy', 'priority'], 5)
    await untilEqual()
  }, 60_000)

  afterEach(async () => {
    await say('server', ['folders', 'first', 'policy'], undefined)
    await say('laptop', ['folders', 'first', 'policy'], { priority: 5 })
    await untilEqual()
  }, 60_000)

  const untilEqual = async (): Promise<void> => {
    await fleet().untilEqual()
    await until(() => first('laptop').list().join() === first('server').list().join(), {
      deadlineMs: 30_000,
      what: 'the other folder is equal, too',
    })
  }

  const why = (node: string, folder: string): Promise<WhyResult> =>
    connectControl(fleet().agent(node).home).why({ folder })

  const untilThere = (place: Place, name: string, deadlineMs: number): Promise<unknown> =>
    until(() => place.exists(name), { deadlineMs, what: `${name} is there` })

  const untilSaid = (folder: string, code: string, node = 'laptop'): Promise<unknown> =>
    until(async () => (await why(node, folder)).peers[0]?.explanations.some((one) => one.code === code), {
      deadlineMs: 10_000,
      intervalMs: 50,
      what: `the ${node} says ${code} of ${folder}`,
    })

  test('of two folders over a slow link the one with the higher priority arrives first, whole', async () => {
    const sizes = [...Array<number>(20).fill(100_000), 3_000_000, 4_500_000]
    const names = sizes.map((_, index) => `file ${index}`)
    // All of it is known before any of it may pass.
    await say('laptop', ['policy'], { paused: true })
    await untilSaid('first', 'policy')
    for (const [index, size] of sizes.entries()) later('laptop').write(`file ${index}`, randomBytes(size))
    for (const [index, size] of sizes.entries()) first('laptop').write(`file ${index}`, randomBytes(size))
    for (const id of ['f', 'first']) {
      await until(async () => (await fleet().agent('laptop').folder(id)).files === sizes.length, {
        deadlineMs: 10_000,
        what: `${id} has been looked at`,
      })
    }
    await say('laptop', ['policy'], undefined)
    for (const node of ['server', 'laptop']) await untilSaid('f', 'waits_for_folder', node)
    expect((await why('laptop', 'f')).peers).toMatchObject([
      {
        state: 'waiting',
        explanations: [
          {
            message: 'waits for folder first, which has a higher priority',
            where: { key: 'folders.first.policy.priority', line: expect.any(Number) },
          },
        ],
      },
    ])
    await until(() => names.every((name) => later('server').exists(name)), { deadlineMs: 60_000, what: 'all is there' })
    const times = (place: Place): number[] => names.map((name) => statSync(place.at(name)).ctimeMs)
    expect(Math.max(...times(first('server')))).toBeLessThan(Math.min(...times(later('server'))))
  })

  test('what is under way ends, and a small change of the higher one passes meanwhile', async () => {
    const link = fleet().lab.link('laptop', 'server')
    const before = link.bytes()
    later('laptop').write('large', randomBytes(15_000_000))
    await until(() => link.bytes() > before + 1_000_000, { deadlineMs: 10_000, what: 'the transfer is under way' })
    first('laptop').write('note', 'x')
    await untilThere(first('server'), 'note', 4000)
    expect(later('server').exists('large')).toBe(false)
    await untilThere(later('server'), 'large', 20_000)
  })

  test('two ends that say the opposite do not wait for each other', async () => {
    await say('server', ['folders', 'f', 'policy'], { priority: 5 })
    later('laptop').write('opposite', randomBytes(2_000_000))
    first('laptop').write('opposite', randomBytes(2_000_000))
    await untilThere(later('server'), 'opposite', 8000)
    await untilThere(first('server'), 'opposite', 8000)
    await say('server', ['folders', 'f', 'policy'], undefined)
  })

  test('one that may not pass by the policy of the other end holds nobody up', async () => {
    await say('server', ['folders', 'first', 'policy', 'paused'], true)
    await untilSaid('first', 'peer_policy')
    first('laptop').write('paused', 'x')
    later('laptop').write('while paused', 'x')
    await untilThere(later('server'), 'while paused', 4000)
    expect(first('server').exists('paused')).toBe(false)
  })

  test('one that does not get on is let go of', async () => {
    await say('laptop', ['folders', 'first', 'policy', 'paused'], true)
    await untilSaid('first', 'policy')
    first('laptop').write('creeping', randomBytes(200_000))
    await say('laptop', ['folders', 'first', 'policy'], { priority: 5, rates: [{ send: '1kbit' }] })
    await untilSaid('first', 'about_to')
    const begun = performance.now()
    later('laptop').write('beside it', 'x')
    await untilThere(later('server'), 'beside it', 30_000)
    // Something has to be waited for: a slow link is no reason to give up.
    expect(performance.now() - begun).toBeGreaterThan(5000)
    expect(first('server').exists('creeping')).toBe(false)
  }, 60_000)
})
