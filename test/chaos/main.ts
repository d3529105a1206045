/// <reference lib="esnext.disposable" />
/** Random histories with real agents, until the time is up; prints what happened. Ends with 1 when something did not hold. */
import { parseArgs } from 'node:util'
import { Lab } from '../lab/lab.ts'
import { Campaign } from './campaign.ts'
import type { LogLevel } from './world.ts'

const usage = `pnpm chaos [--minutes N] [--seed S] [--histories N] [--ops N] [--agents N] [--shrink N] [--log LEVEL] [--unconfined]
  --minutes    how long (10)
  --seed       of the first history (chosen by the clock); the next one has the next
  --histories  at most so many
  --ops        that are tried in one history; some find nothing to do (120)
  --agents     2 to 6, instead of what the seed says
  --shrink     how many histories may be played to make a failing one smaller (24)
  --log        of the agents: trace tells path by path what was decided and why, debug takes less of the machine (trace)
  --unconfined no jail around each Unison`

const number = { type: 'string' } as const

function options() {
  const { values } = parseArgs({
    options: {
      ...{ minutes: number, seed: number, histories: number, ops: number, agents: number, shrink: number },
      log: { type: 'string', default: 'trace' },
      unconfined: { type: 'boolean', default: false },
    },
  })
  const given = (name: Exclude<keyof typeof values, 'log' | 'unconfined'>, otherwise: number): number => {
    const value = Number(values[name] ?? otherwise)
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`--${name} needs a number`)
    return value
  }
  // What sessions there were is told at debug.
  if (values.log !== 'trace' && values.log !== 'debug') throw new RangeError('--log needs trace or debug')
  const logLevel: LogLevel = values.log
  return {
    logLevel,
    confine: !values.unconfined,
    minutes: given('minutes', 10),
    seed: given('seed', Math.floor(Date.now() / 1000) % 1_000_000),
    histories: given('histories', 1_000_000),
    operations: given('ops', 120),
    agents: values.agents === undefined ? undefined : given('agents', 3),
    shrinkTries: given('shrink', 24),
  }
}

async function main(): Promise<number> {
  let chosen: ReturnType<typeof options>
  try {
    chosen = options()
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`)
    return 2
  }
  const availability = Lab.available()
  if (!availability.ok) {
    console.error(availability.reason)
    return 1
  }
  console.log(`chaos: --seed ${chosen.seed}`)
  await using campaign = new Campaign({ ...chosen, say: (line) => console.log(line) })
  // Once: the history under way ends, and the summary is printed. Twice: at once.
  process.once('SIGINT', () => {
    console.log('chaos: ends after this history')
    campaign.stop()
  })
  await campaign.run()
  return campaign.summary.failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
