/// <reference lib="esnext.disposable" />
/** A real coordinator and its nats-server under the load of a thousand agents that are faked at the level of messages. */
import { parseArgs } from 'node:util'
import { readCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink, type NatsLink } from '@spansync/common/adapters/nats/nats-link'
import type { FolderId } from '@spansync/common/core/causal/types'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { until } from '../lab/until.ts'
import { Random } from '../scenarios/random.ts'
import { type FakeAgent, FakeNetwork } from './fake-agents.ts'
import { type Figure, figuresTable, missed } from './figures.ts'
import { LoneCoordinator } from './lone-coordinator.ts'
import { percentile } from './numbers.ts'

const usage =
  'node --conditions=spansync-source test/bench/coordinator-load.ts [--agents 1000] [--folders 30] [--rounds 5] [--json]'

const foldersPerAgent = 3
const connections = 5

interface Scale {
  readonly agents: number
  readonly folders: number
  readonly rounds: number
}

/** Every agent holds three folders; the members of one are joined by a random tree and as many links again. */
function populate(network: FakeNetwork, { agents, folders }: Scale, random: Random): Map<FolderId, FakeAgent[]> {
  const members = new Map<FolderId, FakeAgent[]>()
  const ids = Array.from({ length: folders }, (_, at) => `folder-${at}` as FolderId)
  for (let count = 0; count < agents; count += 1) {
    const agent = network.add(`agent${count}`)
    while (agent.replicas.size < foldersPerAgent) {
      const folder = random.pick(ids)
      if (agent.replicas.has(folder)) continue
      agent.hold(folder)
      members.set(folder, [...(members.get(folder) ?? []), agent])
    }
  }
  for (const [folder, holders] of members) {
    for (const [at, agent] of holders.entries()) {
      if (at > 0) join(folder, agent, random.pick(holders.slice(0, at)), random)
      const other = random.pick(holders)
      if (other !== agent) join(folder, agent, other, random)
    }
  }
  return members
}

function join(folder: FolderId, left: FakeAgent, right: FakeAgent, random: Random): void {
  const known = left.links.get(right.id)
  const facts = known ?? { rttMs: random.integer(1, 50), throughputBps: random.integer(1e5, 1e8) }
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    from.links.set(to.id, { ...facts, peer: to.id, up: true, sentBytes: 0, receivedBytes: 0 })
    const peers = from.replicas.get(folder)?.peers
    if (!peers?.includes(to.id)) peers?.push(to.id)
  }
}

interface Run {
  readonly seconds: number
  readonly latencies: readonly number[]
  readonly orders: number
}

/** A change in every folder, at one of its members each; until all replicas are equal. */
async function changeEverywhere(network: FakeNetwork, folders: ReadonlyMap<FolderId, FakeAgent[]>, random: Random) {
  network.latencies.length = 0
  const [start, ordersBefore] = [performance.now(), network.orders]
  for (const [folder, holders] of folders) random.pick(holders).edit(folder)
  if (!network.isOpen) network.open()
  const equal = until(() => network.differing() === 0, {
    ...{ deadlineMs: 120_000, intervalMs: 10 },
    what: () => `replicas are equal; ${network.differing()} differ, ${network.orders} orders came`,
  })
  await Promise.race([equal, network.failed.promise])
  const seconds = (performance.now() - start) / 1000
  return { seconds, latencies: [...network.latencies], orders: network.orders - ordersBefore } satisfies Run
}

async function measure(scale: Scale, say: (text: string) => void): Promise<Figure[]> {
  const random = new Random(1)
  await using stack = new AsyncDisposableStack()
  const links: NatsLink[] = []
  const network = new FakeNetwork(links)
  const folders = populate(network, scale, random)
  const coordinator = stack.use(await LoneCoordinator.start([...network.agents.values()]))
  const credentials = await readCredentials(coordinator.credentialsFile)
  for (let count = 0; count < connections; count += 1) {
    const link = createNatsLink({ url: coordinator.url, credentials, clock: systemClock, log: silentLogger })
    links.push(stack.use(link))
    link.start()
    await link.whenConnected(AbortSignal.timeout(10_000))
  }
  const tell = ({ seconds, latencies, orders }: Run): void => {
    const [half, most] = [percentile(latencies, 50), percentile(latencies, 99)]
    say(`${seconds.toFixed(2)} s, ${orders} orders, p50 ${half?.toFixed(0)} ms, p99 ${most?.toFixed(0)} ms`)
  }
  const cpuAtFirst = coordinator.cpuSeconds
  const first = await changeEverywhere(network, folders, random)
  tell(first)
  const runs: Run[] = []
  const cpuBefore = coordinator.cpuSeconds
  for (let round = 0; round < scale.rounds; round += 1) {
    const run = await changeEverywhere(network, folders, random)
    tell(run)
    runs.push(run)
  }
  const cpu = (coordinator.cpuSeconds - cpuBefore) / scale.rounds
  const latencies = runs.flatMap((run) => run.latencies)
  const mean = (of: (run: Run) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length
  if (coordinator.output().includes('lease.lost')) say('the coordinator has lost its lease')
  for (const [reason, count] of coordinator.failures()) say(`orders that brought nothing: ${count} × ${reason}`)
  const status = await coordinator.command('status')
  say(`status ends with ${status.code}: ${`${status.stdout}${status.stderr}`.trim().replaceAll('\n', '; ')}`)
  const about = `${scale.agents} agents, ${scale.folders} folders`
  return [
    {
      label: `${about}: all appear at once, with a change in every folder; all equal`,
      value: first.seconds,
      unit: 's',
    },
    { label: 'of that, 99 % of orders within', value: percentile(first.latencies, 99), unit: 'ms', digits: 0 },
    { label: 'CPU of the coordinator for that', value: cpuBefore - cpuAtFirst, unit: 's', digits: 2 },
    {
      label: 'later, a change in every folder; all equal',
      value: mean(({ seconds }) => seconds),
      unit: 's',
      digits: 2,
    },
    { label: 'orders for that', value: mean(({ orders }) => orders), unit: '', digits: 0 },
    { label: 'from a state to its order, half within', value: percentile(latencies, 50), unit: 'ms', digits: 0 },
    {
      ...{ label: 'from a state to its order, 99 % within', unit: 'ms', digits: 0, target: 250 },
      value: percentile(latencies, 99),
    },
    { label: 'CPU of the coordinator for that', value: cpu, unit: 's', digits: 2 },
    {
      ...{ label: 'most memory of the coordinator', unit: 'MB', digits: 0, target: 300 },
      value: coordinator.peakBytes / 1024 ** 2,
    },
    {
      ...{ label: 'memory of nats-server', unit: 'MB', digits: 0 },
      value: (coordinator.nats?.rssBytes ?? Number.NaN) / 1024 ** 2,
    },
    { label: '`status` fails', value: status.code === 0 ? 0 : 1, unit: '', digits: 0, target: 0 },
  ]
}

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const
const { values } = parseArgs({ options: { agents: text, folders: text, rounds: text, json: flag, help: flag } })
if (values.help) process.stdout.write(`${usage}\n`)
else {
  const scale = {
    agents: Number(values.agents ?? 1000),
    folders: Number(values.folders ?? 30),
    rounds: Number(values.rounds ?? 5),
  }
  const figures = await measure(scale, (line) => void process.stderr.write(`${line}\n`))
  process.stdout.write(`${values.json ? JSON.stringify(figures, undefined, 2) : figuresTable(figures)}\n`)
  for (const { label } of missed(figures)) process.stdout.write(`missed: ${label}\n`)
  process.exitCode = missed(figures).length === 0 ? 0 : 1
}
