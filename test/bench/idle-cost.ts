/// <reference lib="esnext.disposable" />
import { coordinate } from '../lab/coordinate.ts'
import { Fleet } from '../lab/fleet.ts'
import { pause } from '../lab/until.ts'
import type { Say } from './cases.ts'
import type { Figure } from './figures.ts'
import { populate, randomLines } from './numbers.ts'

const seconds = 60
const files = 1000

/** A minute in which nothing happens. */
export async function idle(say: Say): Promise<Figure[]> {
  await using fleet = await Fleet.create('line')
  populate(fleet.agent('a').folderPath, files, randomLines(files * 2048))
  await using coordinator = await coordinate(fleet, 'b')
  await fleet.settle('a', { deadlineMs: 60_000 })
  const { network } = coordinator
  const { lab, agents } = fleet
  await lab.quiet(3000, 10_000)
  const now = () => ({
    links: lab.bytes(),
    nats: network.bytes(),
    inside: network.loopbackBytes(),
    agents: agents.map((agent) => agent.usage().cpuSeconds),
    coordinator: coordinator.usage().cpuSeconds,
  })
  const before = now()
  await pause(seconds * 1000)
  const after = now()
  const perMinute = 60 / seconds
  const [links, nats] = [after.links - before.links, after.nats - before.nats].map((bytes) => bytes * perMinute)
  // The agent on the coordinator's own node says as much as the others, but over no cable.
  const allAgents = ((nats ?? 0) * agents.length) / (agents.length - 1)
  say(`links ${links}, NATS over cables ${nats}, inside the coordinator's node ${after.inside - before.inside}`)
  const busiest = Math.max(...after.agents.map((cpu, index) => cpu - (before.agents[index] ?? 0)))
  return [
    {
      ...{ label: 'idle minute: bytes of four nodes, links and NATS', unit: 'KB', target: 25 },
      value: ((links ?? 0) + allAgents) / 1000,
    },
    { label: 'idle minute: bytes of that over the links', value: (links ?? 0) / 1000, unit: 'KB' },
    { label: 'idle minute: CPU of the busiest agent', value: busiest * perMinute, unit: 's', digits: 2 },
    {
      ...{ label: 'idle minute: CPU of the coordinator', unit: 's', digits: 2 },
      value: (after.coordinator - before.coordinator) * perMinute,
    },
    {
      ...{ label: 'coordinator: memory', unit: 'MB', digits: 0 },
      value: coordinator.usage().agent.rssBytes / 1024 ** 2,
    },
  ]
}
