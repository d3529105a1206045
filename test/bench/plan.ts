/** How long planning takes as a network grows: a full plan at three objectives, one changed link, and memory. */
import { createHash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { NodeId } from '@spansync/common/core/causal/types'
import { makePlan } from '@spansync/common/core/plan/plan'
import { Replanner } from '@spansync/common/core/plan/replanner'
import type { PlanLink, PlanRequest } from '@spansync/common/core/plan/types'
import { median } from './numbers.ts'

const usage = `node --conditions=spansync-source test/bench/plan.ts [--nodes 1000,10000,100000] [--runs 7] [--changes 60]`

const linksPerNode = 10
const objectives = [0, 0.5, 1]
const lanBps = 125_000_000

interface Row {
  readonly nodes: number
  readonly fullMs: readonly number[]
  readonly fullCpuMs: readonly number[]
  readonly changeMs: readonly number[]
  readonly worstChangeMs: readonly number[]
  readonly heapMb: number
}

/** Numbers below 1, the same in every run (mulberry32, by T. Ettinger, public domain). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function network(nodes: number, random: () => number): PlanRequest {
  const ids = Array.from({ length: nodes }, (_, at) => createHash('sha256').update(String(at)).digest('hex') as NodeId)
  const pick = (): NodeId => ids[Math.floor(random() * nodes)] as NodeId
  const links: PlanLink[] = []
  for (let at = 0; at < nodes * linksPerNode; at++) {
    // The first ones make sure that all are joined.
    const a = ids[at] ?? pick()
    const b = at < nodes ? (ids[Math.floor(random() * at)] as NodeId) : pick()
    if (a !== b) links.push(randomLink(a, b, random))
  }
  const leafOnly = new Set(ids.filter((_, at) => at % 50 === 49))
  return { participants: ids, leafOnly, links, objective: 0 }
}

/** Two links in three are free; throughput between a modem's and a LAN's. */
function randomLink(a: NodeId, b: NodeId, random: () => number): PlanLink {
  return {
    a,
    b,
    rttMs: 0.2 + 100 * random() ** 3,
    throughputBps: lanBps * 10 ** (-3 * random()),
    pricePerGb: random() < 0.67 ? 0 : Math.ceil(100 * random()) / 100,
    availability: 0.9 + 0.1 * random(),
    metered: random() < 0.05,
  }
}

interface Time {
  readonly ms: number
  /** What this thread has computed: on a machine with other work the fairer figure, but too coarse for single changes. */
  readonly cpuMs: number
}

function timed(run: () => unknown): Time {
  const [start, cpuStart] = [performance.now(), process.threadCpuUsage()]
  run()
  const { user, system } = process.threadCpuUsage(cpuStart)
  return { ms: performance.now() - start, cpuMs: (user + system) / 1000 }
}

interface Runs {
  readonly runs: number
  readonly changes: number
}

/** Changes of links in use and others, half and half: better, worse, gone. */
function changeTimes(planner: Replanner, all: readonly PlanLink[], changes: number, random: () => number): number[] {
  const times: number[] = []
  for (let count = 0; count < changes; count++) {
    const from = count % 2 === 0 ? planner.plan.edges : all
    const { a, b } = from[Math.floor(random() * from.length)] as PlanLink
    const links = count % 6 === 4 ? [] : [randomLink(a, b, random)]
    times.push(timed(() => planner.replan({ a, b, links })).ms)
  }
  return times
}

function measureNetwork(nodes: number, { runs, changes }: Runs): Row {
  const random = seeded(nodes)
  const request = network(nodes, random)
  const fullMs: number[] = []
  const fullCpuMs: number[] = []
  const changeMs: number[] = []
  const worstChangeMs: number[] = []
  let heapMb = 0
  for (const objective of objectives) {
    const before = heapUsed()
    const full = Array.from({ length: runs }, () => timed(() => makePlan({ ...request, objective })))
    const planner = new Replanner({ ...request, objective })
    heapMb = Math.max(heapMb, heapUsed() - before)
    const times = changeTimes(planner, request.links, changes, random)
    fullMs.push(median(full.map(({ ms }) => ms)) ?? Number.NaN)
    fullCpuMs.push(median(full.map(({ cpuMs }) => cpuMs)) ?? Number.NaN)
    changeMs.push(median(times) ?? Number.NaN)
    worstChangeMs.push(times.toSorted((x, y) => x - y)[Math.floor(times.length * 0.95)] ?? Number.NaN)
  }
  return { nodes, fullMs, fullCpuMs, changeMs, worstChangeMs, heapMb }
}

/** What is still referenced needs --expose-gc; without it the figure holds garbage as well. */
function heapUsed(): number {
  globalThis.gc?.()
  const { heapUsed: heap, arrayBuffers } = process.memoryUsage()
  return (heap + arrayBuffers) / 1e6
}

function print(rows: readonly Row[]): void {
  const columns = [
    'full plan, ms',
    'processor time of that, ms',
    'one changed link, ms',
    '95 % of these within, ms',
  ].map((title) => `${title} (${objectives.join(' / ')})`)
  console.log(`| nodes | links | ${columns.join(' | ')} | state, MB |`)
  console.log('|---:|---:|---:|---:|---:|---:|---:|')
  for (const { nodes, fullMs, fullCpuMs, changeMs, worstChangeMs, heapMb } of rows) {
    const cells = [fullMs, fullCpuMs, changeMs, worstChangeMs].map((times) =>
      times.map((ms) => ms.toFixed(1)).join(' / '),
    )
    console.log(`| ${nodes} | ${nodes * linksPerNode} | ${cells.join(' | ')} | ${heapMb.toFixed(1)} |`)
  }
  for (const [at, row] of rows.entries()) {
    const last = rows[at - 1]
    if (!last) continue
    const growth = row.fullCpuMs.map((ms, index) => (ms / (last.fullCpuMs[index] as number)).toFixed(1)).join(' / ')
    console.log(`${last.nodes} → ${row.nodes} nodes: ${growth} times the processor time for a full plan`)
  }
}

function main(): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { nodes: text, runs: text, changes: text, help: { type: 'boolean' } } })
  if (values.help) {
    console.log(usage)
    return
  }
  const sizes = (values.nodes ?? '1000,10000,100000').split(',').map(Number)
  const runs = Number(values.runs ?? 7)
  const changes = Number(values.changes ?? 60)
  print(sizes.map((nodes) => measureNetwork(nodes, { runs, changes })))
}

main()
