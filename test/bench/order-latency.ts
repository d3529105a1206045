/// <reference lib="esnext.disposable" />
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coordinate, untilMode } from '../lab/coordinate.ts'
import type { CoordinatorNode } from '../lab/coordinator-node.ts'
import { Fleet } from '../lab/fleet.ts'
import { edits, type Say } from './cases.ts'
import type { Figure } from './figures.ts'
import { filesPerDirectory, populate, randomLines } from './numbers.ts'
import { Prober } from './prober.ts'

const files = 10 * filesPerDirectory
const hops = 3

/** The same agents, without a coordinator and then with one. */
export async function latency(say: Say, scale: { readonly edits: number }): Promise<Figure[]> {
  await using fleet = await Fleet.create('line')
  await using prober = new Prober()
  const { lab } = fleet
  populate(fleet.agent('a').folderPath, files, randomLines(files * 2048))
  await fleet.settle('a', { deadlineMs: 60_000 })
  const direct = await edits({ lab, prober, scale, say: (text) => say(`without a coordinator, ${text}`) }, files)
  await using coordinator = await coordinate(fleet, 'b')
  await untilMode(fleet.agents, 'centralised')
  const { network } = coordinator
  const before = network.bytes()
  const ordered = await edits({ lab, prober, scale, say: (text) => say(`with orders, ${text}`) }, files)
  const talk = (network.bytes() - before) / scale.edits
  const extra = ordered.ms === undefined || direct.ms === undefined ? undefined : (ordered.ms - direct.ms) / hops
  const afterDeath = await withoutCoordinator(fleet, coordinator)
  return [
    { label: 'line: one line edited, everywhere, without a coordinator', value: direct.ms, unit: 'ms', digits: 0 },
    { label: 'line: one line edited, everywhere, with orders', value: ordered.ms, unit: 'ms', digits: 0 },
    { label: 'line: what orders add per hop', value: extra, unit: 'ms', digits: 0, target: 50 },
    { label: 'line: bytes over NATS for that edit', value: talk / 1000, unit: 'KB' },
    {
      ...{ label: 'line: first change after the coordinator alone was killed, everywhere', unit: 'ms', digits: 0 },
      ...{ value: afterDeath, target: 2000 },
    },
  ]
}

/** Its NATS server lives on and says that nobody listens. */
async function withoutCoordinator(fleet: Fleet, coordinator: CoordinatorNode): Promise<number> {
  await fleet.lab.quiet(1000, 5000)
  await coordinator.crash()
  writeFileSync(join(fleet.agent('d').folderPath, 'after its death'), 'x')
  return await fleet.follow('d', { intervalMs: 5 })
}
