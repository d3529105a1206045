import { isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isFollowed } from '../lab/coordinate.ts'
import { CoordinatorNode } from '../lab/coordinator-node.ts'
import type { Fleet } from '../lab/fleet.ts'
import { parseGraph } from '../lab/graph.ts'
import type { ManagementNet } from '../lab/management.ts'
import { describeLab, describeLong, useFleet } from '../lab/suite.ts'
import { readTree } from '../lab/tree.ts'
import { until } from '../lab/until.ts'
import { Courier, type Move, members } from './courier.ts'
import { Place } from './place.ts'

/** From the links' coming up to the news' being everywhere. */
const promisedMs = 2000

const graph = parseGraph(`graph alternating {
  edge [rate="100mbit" delay="2ms"]
  a1 -- a2
  b1 -- b2
  m -- { a1 a2 b1 b2 } [dial=m]
}`)

/** The first is shorter than it takes to notice anything. */
const journeys = [
  { awayMs: 0, stayMs: 500 },
  { awayMs: 3000, stayMs: 3000 },
  { awayMs: 8000, stayMs: 1000 },
]
/** Longer than it takes to give up a peer that says nothing more. */
const longJourney = { awayMs: 25_000, stayMs: 500 }

describeLab('a machine that is in one of two networks at a time, and carries the news both ways', () => {
  const fleet = useFleet(graph)

  test('its cable is pulled', async () => {
    const move: Move = (side, present) => eachLink(fleet(), side, (link) => link.setUp(present))
    await expectCarried(fleet(), move)
  })
})

describeLong('the same where it takes its address along', () => {
  const fleet = useFleet(graph)

  test('those who stay notice nothing', async () => {
    const move: Move = (side, present) => eachLink(fleet(), side, (link) => link.setPresent('m', present))
    await expectCarried(fleet(), move, [...journeys, longJourney])
  })
})

describeLong('the same with a coordinator in one of the networks', () => {
  const fleet = useFleet(graph)
  let cables: ManagementNet
  let coordinator: CoordinatorNode

  beforeAll(async () => {
    cables = await fleet().lab.manage('a1')
    for (const node of members.b) await cables.link(node).setUp(false)
    coordinator = new CoordinatorNode(cables)
    await coordinator.init()
    await coordinator.start()
    for (const node of ['a1', 'a2', 'm']) await coordinator.enlist(fleet().agent(node))
    const isKnown = async (): Promise<boolean> => isFollowed(['a1', 'a2', 'm'], await coordinator.status())
    await until(isKnown, { deadlineMs: 45_000, intervalMs: 300, what: 'those who can reach it follow it' })
  }, 180_000)

  afterAll(async () => {
    await coordinator[Symbol.asyncDispose]()
  }, 60_000)

  const modeOf = async (node: string): Promise<string> => (await fleet().agent(node).glance()).mode.effective

  test('it follows that one while it can reach it, and syncs directly otherwise', async () => {
    const leavingItAs = new Set<string>()
    await expectCarried(fleet(), async (side, present) => {
      if (side === 'a' && !present) leavingItAs.add(await modeOf('m'))
      if (side === 'a') await cables.link('m').setUp(present)
      await eachLink(fleet(), side, (link) => link.setUp(present))
    })
    expect([...leavingItAs]).toContain('centralised')
    await cables.link('m').setUp(false)
    await until(async () => (await modeOf('m')) === 'decentralised', { deadlineMs: 20_000, what: 'm is by itself' })
    expect(await modeOf('a2')).toBe('centralised')
    await cables.link('m').setUp(true)
    await until(async () => (await modeOf('m')) === 'centralised', { deadlineMs: 20_000, what: 'm follows' })
  })
})

type Link = ReturnType<Fleet['lab']['link']>

async function eachLink({ lab }: Fleet, side: 'a' | 'b', act: (link: Link) => Promise<void>): Promise<void> {
  await Promise.all(members[side].map((node) => act(lab.link('m', node))))
}

const sides = ['a', 'b'] as const

/** What two machines do at their first meeting is not what is measured: m's with all, and those of each network by themselves. */
async function meet(fleet: Fleet, move: Move): Promise<void> {
  const at = (node: string): Place => new Place(fleet.agent(node).folderPath)
  at('m').write('first', 'x')
  await fleet.settle('m')
  await Promise.all(sides.map((side) => move(side, false)))
  for (const side of sides) at(members[side][0]).write(`first of ${side}`, 'x')
  const haveMet = (): boolean => sides.every((side) => at(members[side][1]).exists(`first of ${side}`))
  await until(haveMet, { deadlineMs: 20_000, what: 'those of each network have met' })
}

async function expectCarried(fleet: Fleet, move: Move, all = journeys): Promise<void> {
  try {
    await meet(fleet, move)
    using courier = new Courier(fleet, move)
    for (const [round, { awayMs, stayMs }] of all.entries())
      for (const side of sides) await courier.visit(side, { round, awayMs, stayMs })
    await courier.end('a')
    await courier.end('b')
    expect(courier.slowerThan(promisedMs)).toEqual([])
    expect(courier.legs).toBeGreaterThan(100)
  } finally {
    await Promise.all(sides.map((side) => move(side, true)))
  }
  await fleet.untilEqual()
  const copies = [...readTree(fleet.agent('m').folderPath).keys()].filter(isConflictCopy)
  expect(copies).toEqual([])
}
