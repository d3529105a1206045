import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { CommandError } from '../lab/command.ts'
import type { LabLink } from '../lab/lab-link.ts'
import { sendSignal } from '../lab/processes.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { usualRate } from './ground.ts'
import type { Fault, FaultName } from './steps.ts'
import type { World } from './world.ts'

/** Undoes a fault; may be called when somebody else has undone it already. */
export type Heal = () => Promise<unknown>

/** Makes it so. Undefined: there is nothing to disturb just now, such as a Unison to kill. */
export function inflict(world: World, step: Fault): Promise<Heal | undefined> {
  return faults[step.fault](world, step.pick)
}

const faults: Readonly<Record<FaultName, (world: World, pick: number) => Promise<Heal | undefined>>> = {
  cut: async (world, pick) => {
    const link = linkAt(world, pick)
    await link.setUp(false)
    return () => link.setUp(true)
  },
  'one-way': async (world, pick) => {
    const link = linkAt(world, pick)
    if (!link.isUp) return undefined
    await link.loseFrom(pick % 2 === 0 ? link.spec.a : link.spec.b)
    return () => link.setUp(true)
  },
  slow: async (world, pick) => {
    const link = linkAt(world, pick)
    await link.setRate(pick % 2 === 0 ? '1mbit' : '8mbit')
    return () => link.setRate(usualRate)
  },
  'kill-agent': (world, pick) => restartLater(agentAt(world, pick)),
  'kill-unison': async (world) => {
    const struck = world.fleet.unisons().filter(({ pid }) => sendSignal(pid, 'SIGKILL'))
    return struck.length > 0 ? async () => {} : undefined
  },
  'kill-coordinator': async ({ coordinator }) => {
    if (!coordinator?.alive) return undefined
    await coordinator.crash()
    return async () => coordinator.alive || coordinator.launch()
  },
  'kill-nats': async ({ coordinator }) => {
    if (coordinator?.natsPid() === undefined) return undefined
    await coordinator.crashNats()
    return async () => {}
  },
  'freeze-agent': async (world, pick) => {
    const agent = agentAt(world, pick)
    return agent.alive ? freeze([agent.agentPid()]) : undefined
  },
  'freeze-unison': async (world) => freeze(world.fleet.unisons().map(({ pid }) => pid)),
  'freeze-coordinator': async ({ coordinator }) => {
    if (!coordinator?.alive) return undefined
    coordinator.hang()
    return async () => coordinator.resume()
  },
  'disk-full': async (world, pick) => {
    const { disk, desk } = diskAt(world, pick)
    if (disk === undefined || desk.isFull) return undefined
    desk.isFull = await disk.fill()
    if (!desk.isFull) return undefined
    return async () => {
      await disk.empty()
      desk.isFull = false
    }
  },
  unmount: async (world, pick) => {
    const { disk, desk } = diskAt(world, pick)
    if (disk === undefined || desk.isAway) return undefined
    desk.isAway = true
    await disk.unmount()
    return async () => {
      await disk.mount()
      desk.isAway = false
    }
  },
  clock: async (world, pick) => {
    const agent = agentAt(world, pick)
    const desk = world.desks[pick % world.desks.length]
    if (desk === undefined) return undefined
    // Up to an hour, to either side.
    desk.aheadMs = ((pick * 7919) % 7_200_000) - 3_600_000
    agent.env = { ...agent.env, SPANSYNC_WALL_AHEAD_MS: String(desk.aheadMs) }
    return restartLater(agent)
  },
  'lose-index': async (world, pick) => {
    const agent = agentAt(world, pick)
    world.ledger.historyLost = true
    const heal = await restartLater(agent)
    for (const file of globSync(join(agent.home, 'index', 'f.sqlite*'))) rmSync(file)
    return heal
  },
  'lose-archives': async (world, pick) => {
    const files = globSync(join(agentAt(world, pick).home, 'unison', '**', '{ar,fp}*'))
    for (const file of files) rmSync(file, { force: true })
    return files.length > 0 ? async () => {} : undefined
  },
  mode: async (world, pick) => {
    const agent = agentAt(world, pick)
    await setMode(agent, pick % 2 === 0 ? 'centralised' : 'decentralised')
    return () => setMode(agent, 'auto')
  },
  plan: async ({ coordinator }, pick) => {
    if (!coordinator?.alive) return undefined
    const change = changes[pick % changes.length] ?? []
    const { code } = await coordinator.attempt(change, { timeoutMs: 20_000 })
    return code === 0 ? () => coordinator.attempt(['mode', 'centralised']) : undefined
  },
  filter: async (world, pick) => {
    const { a, b } = linkAt(world, pick).spec
    const [end, peer] = pick % 2 === 0 ? [a, b] : [b, a]
    const { home } = world.fleet.agent(end)
    const place = ['peers', peer, 'policy']
    await editConfig(home, (editor) => editor.set(place, rules[Math.floor(pick / 2) % rules.length]))
    return () => editConfig(home, (editor) => editor.remove(place))
  },
}

const rules = [{ exclude: ['*.txt'] }, { maxSize: '1KB' }, { exclude: ['d'] }, { include: ['*.txt', 'f'] }]

const changes = [
  ['objective', 'cheapest'],
  ['objective', 'fastest'],
  ['mode', 'decentralised'],
] as const

const agentAt = ({ fleet }: World, pick: number): SpansyncNode => at(fleet.agents, pick)
const linkAt = ({ fleet }: World, pick: number): LabLink => at(fleet.lab.links, pick)

function diskAt({ disks, desks }: World, pick: number) {
  return { disk: disks[pick % disks.length], desk: at(desks, pick) }
}

function at<T>(items: readonly T[], pick: number): T {
  const item = items[pick % items.length]
  if (item === undefined) throw new RangeError('there is nothing to disturb')
  return item
}

/** An agent that is frozen does not answer, and takes it over when it goes on. */
async function setMode(agent: SpansyncNode, mode: string): Promise<void> {
  await agent.attempt(['mode', mode], { timeoutMs: 5000 }).catch((error) => {
    if (!(error instanceof CommandError)) throw error
  })
}

/** Dead from now until healed, or until something else starts it. */
async function restartLater(agent: SpansyncNode): Promise<Heal> {
  await agent.crash()
  return async () => agent.alive || agent.launch()
}

/** By process id: whoever has one of them may be another by then, and does not mind. */
function freeze(pids: readonly number[]): Heal | undefined {
  const frozen = pids.filter((pid) => sendSignal(pid, 'SIGSTOP'))
  if (frozen.length === 0) return undefined
  return async () => frozen.forEach((pid) => void sendSignal(pid, 'SIGCONT'))
}
