import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { pause, until } from '../lab/until.ts'
import { Place } from './place.ts'

/** A person does not notice less. */
const atOnceMs = 5000

describeLab('a laptop and its server', () => {
  const graph = parseGraph('graph laptop { laptop -- server [rate="100mbit" delay="2ms"] }')
  const fleet = useFleet(graph)
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  test('the laptop gets another address and dials again by itself', async () => {
    place('server').write('before', 'x')
    await fleet().follow('server')
    await fleet().lab.link('laptop', 'server').setAddress('laptop', 5)
    place('server').write('after', 'y')
    await fleet().follow('server', { deadlineMs: 20_000 })
    place('laptop').write('back', 'z')
    await fleet().follow('laptop')
  })

  test.each(['server', 'laptop'])('%s is down for a while and comes back: synced at once', async (away) => {
    const other = away === 'server' ? 'laptop' : 'server'
    await fleet().agent(away).stop()
    place(other).write(`while ${away} was down`, 'x')
    // Long enough that a growing wait between attempts would show.
    await pause(12_000)
    await fleet().agent(away).start()
    expect(await fleet().follow(other)).toBeLessThan(atOnceMs)
  })

  test.each(['server', 'laptop'])('%s crashes and comes back: synced at once', async (away) => {
    const other = away === 'server' ? 'laptop' : 'server'
    await fleet().agent(away).crash()
    place(other).write(`after the crash of ${away}`, 'x')
    await fleet().agent(away).start()
    expect(await fleet().follow(other)).toBeLessThan(atOnceMs)
  })

  test('the cable is out for a while: synced soon after', async () => {
    const link = fleet().lab.link('laptop', 'server')
    await link.setUp(false)
    place('server').write('while the cable was out', 'x')
    place('laptop').write('also while the cable was out', 'y')
    await pause(5000)
    await link.setUp(true)
    expect(await fleet().untilEqual()).toBeLessThan(2 * atOnceMs)
    expect(place('server').list()).toEqual(
      expect.arrayContaining(['while the cable was out', 'also while the cable was out']),
    )
  })

  test('the cable is pulled in the middle of a transfer', async () => {
    const link = fleet().lab.link('laptop', 'server')
    const before = link.bytes()
    place('server').write('random', randomBytes(8_000_000))
    await until(() => link.bytes() > before + 1_000_000, { deadlineMs: 10_000, what: 'the transfer is under way' })
    await link.setUp(false)
    await pause(3000)
    await link.setUp(true)
    await fleet().follow('server', { deadlineMs: 30_000 })
  })
})
