import { expect, test } from 'vitest'
import type { FolderId } from '../core/causal/types.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import { parseConfig } from './parse.ts'
import { policyOf } from './policy-layers.ts'

const sides = 100
/** It takes 4 to 7; `test/bench/policy.ts` says how many. This is for what makes it slower by an order. */
const mostMicroseconds = 40

/** With something said in every place, and windows of which some are open. */
const text = `
name: here
policy: { onBattery: false, minInterval: 1m, maxDelay: 1h, timezone: Europe/Amsterdam }
peers:
${Array.from({ length: sides }, (_, at) => `  peer${at}: { id: "${at.toString(16).padStart(64, '0')}", dataCap: 5GB, policy: { rates: [{ during: "mon-fri 08:00-18:00", send: 1mbit }, { receive: 2MB/s }] } }`).join('\n')}
folders:
${Array.from({ length: sides }, (_, at) => `  folder${at}: { path: /f${at}, policy: { windows: ["23:00-06:00", "sat,sun", "mon-fri ${at % 24}:00-${(at + 5) % 24}:30"], priority: ${at % 7}, networks: [{ cidr: 10.0.0.0/8 }] } }`).join('\n')}
`

test('a decision takes some microseconds, with 100 folders over 100 links', () => {
  const { config } = parseConfig({ file: 'config.yaml', text })
  const pairs = Object.keys(config.folders).flatMap((folder) =>
    Object.keys(config.peers).map((peer) => policyOf(config, { folder: folder as FolderId, peer })),
  )
  const begin = Date.UTC(2027, 2, 26)
  const facts = {
    zone: 'America/New_York',
    onBattery: false,
    link: { network: { address: '10.1.2.3' }, metered: true, usedThisMonthBytes: 4_500_000_000 },
    lastSessionMs: begin,
  }
  let allowed = 0
  const run = (round: number): number => {
    const before = process.cpuUsage().user
    for (const [at, policy] of pairs.entries()) {
      const now = begin + (round * pairs.length + at) * 7919
      if (evaluate(policy, { ...facts, now, flow: at % 2 === 0 ? 'send' : 'receive' }).allowed) allowed++
    }
    return (process.cpuUsage().user - before) / pairs.length
  }
  // The time that this thread has worked, at its best: what else the machine does is not measured.
  const best = Math.min(...Array.from({ length: 4 }, (_, round) => run(round)))
  expect(allowed).toBeGreaterThan(0)
  expect(best).toBeLessThan(mostMicroseconds)
})
