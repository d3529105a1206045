import { randomBytes } from 'node:crypto'
import { editConfig } from '@spansync/common/config/edit'
import type { LinkStatus } from '@spansync/common/protocol/status'
import { expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import type { LabLink } from '../lab/lab-link.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useLab } from '../lab/suite.ts'
import { pause, until } from '../lab/until.ts'
import { couple } from './trouble.ts'

/** How long a person waits without wondering. */
const secondsMs = 12_000

interface LogEvent {
  readonly event: string
  readonly address?: string
  readonly code?: string
}

async function linkOf(agent: SpansyncNode): Promise<LinkStatus> {
  const [link] = (await agent.glance()).links
  if (link === undefined) throw new Error(`${agent.name} knows no peer`)
  return link
}

async function eventsOf(agent: SpansyncNode): Promise<LogEvent[]> {
  const { stdout } = await agent.command(['log', '--json'])
  return (JSON.parse(stdout) as { events: LogEvent[] }).events
}

/** Where an agent dials its peer from now on. */
function setAddresses(agent: SpansyncNode, peer: string, addresses: readonly (string | object)[]): Promise<void> {
  return editConfig(agent.home, (editor) => editor.set(['peers', peer, 'addresses'], addresses))
}

async function isUp(agent: SpansyncNode, deadlineMs = secondsMs): Promise<number> {
  const startedAt = performance.now()
  await until(async () => (await linkOf(agent)).up, { deadlineMs, what: `the link of ${agent.name} is up` })
  return performance.now() - startedAt
}

describeLab('machines that move about', () => {
  const lab = useLab(parseGraph('graph moving { a -- b [rate="4mbit"] }'))
  const fastCable = (): Promise<LabLink> => lab().addCable({ a: 'a', b: 'b', dialer: 'a', rateBitsPerSecond: 2e8 })

  test('a link moves to a better network in the middle of a large file', async () => {
    await using two = await couple(lab(), { start: false })
    await using fast = await fastCable()
    const slow = lab().link('a', 'b')
    await fast.setUp(false)
    await setAddresses(two.a, 'b', [
      `${slow.addressOf('b')}:${two.b.port}`,
      { address: `${fast.addressOf('b')}:${two.b.port}`, latency: '1ms' },
    ])
    // In this order, or the first try finds nobody, which is kept too.
    await two.b.start()
    await two.a.start()
    await two.fleet.settle('a')
    const before = slow.bytes()
    const size = 12_000_000
    two.at('a').write('large', randomBytes(size))
    await until(() => slow.bytes() > before + 1_000_000, { deadlineMs: 20_000, what: 'the transfer is under way' })
    await fast.setUp(true)
    const better = `${fast.addressOf('b')}:${two.b.port}`
    const isMoved = async (): Promise<boolean> => (await linkOf(two.a)).address === better
    await until(isMoved, { deadlineMs: secondsMs, what: 'the link goes over the better network' })
    await two.fleet.follow('a', { deadlineMs: 30_000 })
    const [overSlow, overFast] = [slow.bytes() - before, fast.bytes()]
    expect(overSlow, 'over the slow network').toBeLessThan(size * 0.75)
    // What was under way when the old connection was cut may come again, and nothing else.
    expect(overSlow + overFast).toBeLessThan(size + 1_500_000)
    expect((await eventsOf(two.a)).map(({ event }) => event)).toEqual(['up', 'moved'])
    two.expectNothingLost('b')
    const { addresses = [], availability } = await linkOf(two.a)
    expect(addresses.map(({ inUse }) => inUse)).toEqual([false, true])
    expect(availability).toBe(1)
  })

  test('peers find each other on the local network, also when one gets another address', async () => {
    await using two = await couple(lab(), { start: false, discovers: true })
    const cable = lab().link('a', 'b')
    await setAddresses(two.a, 'b', [])
    await Promise.all([two.b.start(), two.a.start()])
    expect(await isUp(two.a)).toBeLessThan(secondsMs)
    await two.fleet.follow('a')
    const [found] = (await linkOf(two.a)).addresses ?? []
    expect(found).toMatchObject({ address: `${cable.addressOf('b')}:${two.b.port}`, found: true })
    // One of them has dialled.
    for (const mover of ['a', 'b'] as const) {
      for (const host of [4, mover === 'a' ? 1 : 2]) {
        await cable.setAddress(mover, host)
        two.at(mover).write(`${mover} at ${host}`, 'x')
        const tookMs = await two.fleet.follow(mover, { deadlineMs: 30_000 })
        expect(tookMs, `after ${mover} has moved to ${host}`).toBeLessThan(secondsMs)
      }
    }
  })

  test('the address in use goes, and another one takes over', async () => {
    await using two = await couple(lab(), { start: false })
    await using second = await fastCable()
    const first = lab().link('a', 'b')
    await setAddresses(
      two.a,
      'b',
      [first, second].map((cable) => `${cable.addressOf('b')}:${two.b.port}`),
    )
    await Promise.all([two.b.start(), two.a.start()])
    await two.fleet.settle('a')
    const isOver = async (cable: LabLink): Promise<boolean> =>
      (await linkOf(two.a)).address === `${cable.addressOf('b')}:${two.b.port}`
    // Measured, the second is the quicker one.
    await until(() => isOver(second), { deadlineMs: secondsMs, what: 'the quicker network is used' })
    await second.setUp(false)
    two.at('b').write('without the quick network', 'x')
    expect(await two.fleet.follow('b', { deadlineMs: 60_000 })).toBeLessThan(3 * secondsMs)
    expect(await isOver(first)).toBe(true)
    await second.setUp(true)
    await until(() => isOver(second), { deadlineMs: 20_000, what: 'the quicker network is used again' })
    // Nothing says that it is dead; only nobody answers there any more.
    await second.loseFrom('b')
    two.at('a').write('without an answer', 'y')
    const tookMs = await two.fleet.follow('a', { deadlineMs: 60_000 })
    expect(tookMs).toBeLessThan(2 * secondsMs)
    expect(await isOver(first)).toBe(true)
    two.expectNothingLost('b')
  })

  test.each(['a', 'b'] as const)('%s sleeps for 40 s and wakes: synced within seconds', async (sleeper) => {
    await using two = await couple(lab())
    const pid = two[sleeper].agentPid()
    const awake = sleeper === 'a' ? 'b' : 'a'
    process.kill(pid, 'SIGSTOP')
    try {
      two.at(awake).write('while it slept', 'x')
      await pause(40_000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect(await two.fleet.follow(awake, { deadlineMs: 30_000 })).toBeLessThan(secondsMs)
  })

  test('a captive portal answers at the address of the peer: refused, and the other address used', async () => {
    await using two = await couple(lab(), { start: false })
    const cable = lab().link('a', 'b')
    const port = two.b.port + 1000
    const serve = `require('net').createServer((s) => { s.on('error', () => {}); s.end('HTTP/1.1 302 Found\\r\\nLocation: http://login/\\r\\n\\r\\n') }).listen(${port})`
    await using portal = lab().node('b').spawn([process.execPath, '-e', serve])
    await until(() => two.a.machine.exec(['true']).then(() => portal.alive), {
      deadlineMs: 5000,
      what: 'the portal runs',
    })
    const [wrong, right] = [`${cable.addressOf('b')}:${port}`, `${cable.addressOf('b')}:${two.b.port}`]
    await setAddresses(two.a, 'b', [wrong, right])
    await Promise.all([two.b.start(), two.a.start()])
    expect(await isUp(two.a)).toBeLessThan(secondsMs)
    await two.fleet.follow('a')
    const { address, addresses } = await linkOf(two.a)
    expect(address).toBe(right)
    await until(async () => (await linkOf(two.a)).addresses?.[0]?.error !== undefined, {
      deadlineMs: secondsMs,
      what: () => `the portal is named: ${JSON.stringify(addresses)}`,
    })
  })

  test('only one side can dial: the other one waits for it, and knocks in vain', async () => {
    await using two = await couple(lab(), { start: false })
    const cable = lab().link('a', 'b')
    // Behind its router nobody can reach a.
    await setAddresses(two.b, 'a', [`${cable.addressOf('a')}:9`])
    await Promise.all([two.b.start(), two.a.start()])
    await two.fleet.settle('a')
    for (const again of [two.a, two.b]) {
      await again.restart()
      expect(await isUp(again)).toBeLessThan(secondsMs)
      two.at('b').write(`after ${again.name}`, again.name)
      await two.fleet.follow('b')
    }
    expect((await linkOf(two.b)).up).toBe(true)
  })
})
