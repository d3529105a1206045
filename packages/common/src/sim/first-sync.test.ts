import { describe, expect, it } from 'vitest'
import type { FolderEvent } from '../core/agent/events.ts'
import { step } from '../core/agent/step.ts'
import { makeIndex } from '../testing/histories.ts'
import { createRandom } from './random.ts'
import type { SimAgent } from './sim-agent.ts'
import { noFaults, type Step } from './types.ts'
import { SimWorld } from './world.ts'

/** `SPANSYNC_SIM_FILES=100000 pnpm exec vitest run --project unit packages/common/src/sim/first-sync.test.ts` prints what each kind of
 *  event costs. */
const asked = Number(process.env.SPANSYNC_SIM_FILES ?? 0)

interface Cost {
  events: number
  cpuMs: number
  mostMs: number
}

/** The real `step`, with the processor time that each agent's events cost. */
function measuring(costs: Map<string, Cost>): Step {
  return (state, event) => {
    const before = process.threadCpuUsage()
    const after = step(state, event)
    const { user, system } = process.threadCpuUsage(before)
    note(costs, `${state.replica.split('.')[0]} ${event.kind}`, (user + system) / 1000)
    return after
  }
}

function note(costs: Map<string, Cost>, name: `${string} ${FolderEvent['kind']}`, cpuMs: number): void {
  const cost = costs.get(name) ?? { events: 0, cpuMs: 0, mostMs: 0 }
  costs.set(name, { events: cost.events + 1, cpuMs: cost.cpuMs + cpuMs, mostMs: Math.max(cost.mostMs, cpuMs) })
}

function total(costs: ReadonlyMap<string, Cost>, agent: string): number {
  return [...costs].filter(([name]) => name.startsWith(`${agent} `)).reduce((sum, [, { cpuMs }]) => sum + cpuMs, 0)
}

/** Agents in a line, or in a ring; the first one has files. */
function worldOf(agents: number, shape: 'line' | 'ring', step: Step): SimWorld {
  const world = new SimWorld({ random: createRandom(1), faults: noFaults, page: 1000, makeIndex, step })
  for (let at = 0; at < agents; at++) {
    world.addAgent(`n${at}`)
    if (at > 0) world.addLink(at - 1, at)
  }
  if (shape === 'ring') world.addLink(agents - 1, 0)
  for (const link of world.links) world.setLink(link, true)
  return world
}

function run(world: SimWorld): void {
  while (world.queue.advance());
}

function fill({ disk }: SimAgent, files: number): void {
  for (let at = 0; at < files; at++) {
    const path = `dir${at % 100}/sub${at % 7}/file${at}`
    disk.makeParents(path, 0)
    disk.put({ path, kind: 'file', hash: `h${at}`, mode: 0o644, mtimeUs: 1, ctimeUs: 1 })
  }
}

function table(costs: ReadonlyMap<string, Cost>): Record<string, Cost> {
  const rounded = (value: number): number => Math.round(value * 10) / 10
  return Object.fromEntries(
    [...costs].map(([name, { events, cpuMs, mostMs }]) => [
      name,
      { events, cpuMs: rounded(cpuMs), mostMs: rounded(mostMs) },
    ]),
  )
}

describe('a first sync', () => {
  // About 0.15 s on the machine it was written on; scans of everything on every event cost three times that at this size, and
  // nearly half a minute at 100,000.
  it('of 10,000 files costs the core of the receiver little', () => {
    const costs = new Map<string, Cost>()
    const world = worldOf(2, 'line', measuring(costs))
    const [first, second] = world.agents as [SimAgent, SimAgent]
    fill(first, 10_000)
    first.rescan()
    run(world)
    expect(second.index.meta().digest).toBe(first.index.meta().digest)
    expect(second.disk.files.size).toBe(first.disk.files.size)
    expect(total(costs, 'n1')).toBeLessThan(1000)
  })

  it('of more files than may be under way at a time ends, and nothing is told to who has it', {
    timeout: 120_000,
  }, () => {
    let echoes = 0
    const listening: Step = (state, event) => {
      if (event.kind === 'entries_received' && state.replica.startsWith('n0')) echoes += event.items.length
      return step(state, event)
    }
    const world = worldOf(2, 'line', listening)
    const [first, second] = world.agents as [SimAgent, SimAgent]
    run(world)
    fill(first, 40_000)
    first.rescan()
    run(world)
    expect(second.disk.files.size).toBe(first.disk.files.size)
    expect(second.index.meta()).toMatchObject({ digest: first.index.meta().digest })
    expect(echoes).toBe(0)
  })

  it('of very many directories, and their deletion, end', { timeout: 120_000 }, () => {
    const world = worldOf(2, 'line', step)
    const [first, second] = world.agents as [SimAgent, SimAgent]
    for (let at = 0; at < 30_000; at++) first.disk.makeParents(`d${at}/x`, 0)
    first.rescan()
    run(world)
    expect(second.disk.paths()).toHaveLength(30_000)
    for (const path of first.disk.paths()) first.disk.remove(path)
    first.rescan()
    run(world)
    expect(second.disk.paths()).toEqual([])
  })

  it('and the deletion of everything move nothing twice around a ring', () => {
    const world = worldOf(3, 'ring', step)
    const [first, ...others] = world.agents as [SimAgent, ...SimAgent[]]
    fill(first, 2000)
    first.rescan()
    run(world)
    expect(
      Math.max(...[...world.record.transferred].filter(([key]) => !key.endsWith(':')).map(([, count]) => count)),
    ).toBe(1)
    for (const path of first.disk.paths()) first.disk.remove(path)
    first.rescan()
    run(world)
    for (const other of others) expect(other.disk.files.size).toBe(0)
  })

  it.runIf(asked)(`of ${asked} files, event by event`, { timeout: 3_600_000 }, () => {
    for (const shape of ['line', 'ring'] as const) {
      const costs = new Map<string, Cost>()
      const world = worldOf(3, shape, measuring(costs))
      fill(world.agents[0] as SimAgent, asked)
      world.agents[0]?.rescan()
      run(world)
      console.log(`three agents in a ${shape}: ${world.queue.now} ms of virtual time`)
      console.table(table(costs))
    }
  })
})
