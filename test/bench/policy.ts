/** What the policy costs an agent as folders and links grow: one decision, and one look at everything, which comes every two seconds. */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { PolicyGate } from '@spansync/agent/daemon/policy-gate'
import { Precedence } from '@spansync/agent/daemon/precedence'
import { parseConfig } from '@spansync/common/config/parse'
import { policyOf } from '@spansync/common/config/policy-layers'
import type { Config } from '@spansync/common/config/schema'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { evaluate } from '@spansync/common/core/policy/evaluate'
import type { Link } from '@spansync/common/ports'
import { systemClock } from '@spansync/common/runtime/clock'
import { median } from './numbers.ts'

const usage = `node --conditions=spansync-source test/bench/policy.ts [--sides 10,100] [--runs 9]
  sides  so many folders, over so many links`

interface Row {
  readonly sides: number
  readonly evaluateUs: number
  readonly doorUs: number
  readonly reviewMs: number
  readonly precedenceMs: number
}

function configOf(sides: number): Config {
  const each = (line: (at: number) => string): string => Array.from({ length: sides }, (_, at) => line(at)).join('\n')
  const rates = '[{ during: "mon-fri 08:00-18:00", send: 1mbit }, { receive: 2MB/s }]'
  const text = `name: here
policy: { onBattery: false, maxDelay: 1h, timezone: Europe/Amsterdam }
peers:
${each((at) => `  peer${at}: { id: "${idOf(at)}", dataCap: 5GB, policy: { rates: ${rates} } }`)}
folders:
${each((at) => `  folder${at}: { path: /f${at}, policy: { windows: ["23:00-06:00", "sat,sun", "${at % 24}:00-${(at + 5) % 24}:30"], priority: ${at % 7} } }`)}
`
  return parseConfig({ file: 'config.yaml', text }).config
}

function idOf(at: number): NodeId {
  return at.toString(16).padStart(64, '0') as NodeId
}

function timed(runs: number, work: () => void): number {
  work()
  const times = Array.from({ length: runs }, () => {
    const begun = performance.now()
    work()
    return performance.now() - begun
  })
  return median(times) ?? Number.NaN
}

function measure(sides: number, runs: number): Row {
  const config = configOf(sides)
  const folders = Object.keys(config.folders) as FolderId[]
  const peers = Array.from({ length: sides }, (_, at) => idOf(at))
  const links = peers.map((peer) => ({ peer, localAddress: '127.0.0.1' }) as Link)
  const names = new Map(peers.map((peer, at) => [peer, `peer${at}`]))
  const gate = new PolicyGate({
    clock: systemClock,
    config: () => config,
    nameOf: (peer) => names.get(peer),
    usedBytes: () => 4_500_000_000,
    standing: () => undefined,
    surroundings: { networkOf: () => undefined, isOnBattery: () => false },
    changed: () => undefined,
    failed: (error) => {
      throw error
    },
  })
  const precedence = new Precedence({
    clock: systemClock,
    links: () => peers.map((peer) => [peer, folders] as const),
    priorityOf: (folder, peer) => gate.priorityOf(folder, peer).value,
    workOf: () => 'now',
    bytes: () => () => 0,
  })
  const policies = folders.flatMap((folder) => [...names.values()].map((peer) => policyOf(config, { folder, peer })))
  const link = { metered: true, usedThisMonthBytes: 4_500_000_000 }
  const facts = { now: Date.now(), zone: 'America/New_York', onBattery: false, link, flow: 'send' } as const
  const evaluateMs = timed(runs, () => {
    for (const policy of policies) evaluate(policy, facts)
  })
  const reviewMs = timed(runs, () => {
    for (const folder of folders) for (const one of links) gate.doorOf(folder, one)
  })
  return {
    sides,
    evaluateUs: (evaluateMs * 1000) / policies.length,
    doorUs: (reviewMs * 1000) / policies.length,
    reviewMs,
    precedenceMs: timed(runs, () => precedence.look()),
  }
}

function main(): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { sides: text, runs: text, help: { type: 'boolean' } } })
  if (values.help) {
    console.log(usage)
    return
  }
  const runs = Number(values.runs ?? 9)
  const rows = (values.sides ?? '10,100').split(',').map((sides) => measure(Number(sides), runs))
  console.table(
    rows.map(({ sides, evaluateUs, doorUs, reviewMs, precedenceMs }) => ({
      'folders and links': sides,
      'µs per decision': evaluateUs.toFixed(2),
      'µs per door (two of them)': doorUs.toFixed(2),
      'ms for all doors': reviewMs.toFixed(1),
      'ms for all priorities': precedenceMs.toFixed(1),
    })),
  )
}

main()
