/// <reference lib="esnext.disposable" />
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coordinate } from '../lab/coordinate.ts'
import { Fleet } from '../lab/fleet.ts'
import type { LinkSpec } from '../lab/graph.ts'
import { untilEqual } from '../lab/replicas.ts'
import type { Say } from './cases.ts'
import type { Figure } from './figures.ts'
import { Prober, wallNow } from './prober.ts'

const deadlineMs = 240_000

/** What is sent, from where, and within how many seconds it is to be everywhere. */
const sendings = [
  { name: '3 × 10 MB', from: 'l1', sizes: [10e6, 10e6, 10e6], target: 28 },
  { name: '3 × 10 MB', from: 's', sizes: [10e6, 10e6, 10e6], target: 28 },
  { name: '50 MB', from: 'l1', sizes: [50e6], target: 46 },
] as const

/** Each on a fresh network. `known`: people have configured what the links can do; otherwise nothing has been measured yet when the
 *  first plan is made. */
export async function transfers(say: Say): Promise<Figure[]> {
  return [...(await sendAll(say, true)), ...(await sendAll(say, false))]
}

async function sendAll(say: Say, known: boolean): Promise<Figure[]> {
  const figures: Figure[] = []
  const linkFlags = ({ rateBitsPerSecond = 0 }: LinkSpec): string[] =>
    known ? ['--throughput', `${rateBitsPerSecond / 1e6}mbit`] : []
  for (const { name, from, sizes, target } of sendings) {
    await using fleet = await Fleet.create('home-work', { linkFlags })
    await using coordinator = await coordinate(fleet, 's')
    const slow = fleet.lab.link('l1', 'r')
    const sent = await send(fleet, from, sizes)
    const payload = sizes.reduce((total, size) => total + size, 0)
    const edges = (await coordinator.plan()).edges.map(({ a, b }) => `${a}-${b}`)
    say(`${name} from ${from}: ${sent.seconds?.toFixed(1)} s, plan in the end ${edges}`)
    const about = `home-work, links ${known ? 'configured' : 'unknown'}: ${name} from ${from}`
    figures.push(
      { label: `${about}, everywhere`, value: sent.seconds, unit: 's', target },
      {
        ...{ label: `${about}, bytes / lower bound`, unit: '×', digits: 3, target: 1.07 },
        value: sent.bytes / (payload * (fleet.agents.length - 1)),
      },
      {
        ...{ label: `${about}, share of the payload on the 2 Mbit/s link`, unit: '%', digits: 2, target: 1 },
        value: (100 * (slow.bytes() - sent.slowBefore)) / payload,
      },
    )
  }
  return figures
}

interface Sent {
  readonly seconds: number | undefined
  readonly bytes: number
  readonly slowBefore: number
}

/** Random files, written at one node; until all nodes have them and the links are quiet. */
export async function send(fleet: Fleet, from: string, sizes: readonly number[]): Promise<Sent> {
  const { lab } = fleet
  await using prober = new Prober()
  await lab.quiet(1000, 5000)
  const slowBefore = lab.link('l1', 'r').bytes()
  const before = lab.bytes()
  const names = Object.fromEntries(sizes.map((size, index) => [`${from}-${sizes.length}-${wallNow()}-${index}`, size]))
  const contents = new Map(Object.entries(names).map(([name, size]) => [name, randomBytes(size)]))
  const since = wallNow()
  for (const [name, content] of contents) writeFileSync(join(fleet.agent(from).folderPath, name), content)
  const roots = fleet.agents.map(({ folderPath }) => folderPath)
  const ms = await prober.ask({ kind: 'files', roots, sizes: names, deadlineMs, since })
  await untilEqual(fleet.agents, { deadlineMs: 60_000, intervalMs: 300 })
  await lab.quiet(1000, 5000)
  return { seconds: ms === undefined ? undefined : ms / 1000, bytes: lab.bytes() - before, slowBefore }
}
