/// <reference lib="esnext.disposable" />
/** Measures what a coordinator brings and what it costs, on virtual networks, and prints one table. */
import { parseArgs } from 'node:util'
import { Lab } from '../lab/lab.ts'
import type { Say } from './cases.ts'
import { type Figure, figuresTable, missed } from './figures.ts'
import { idle } from './idle-cost.ts'
import { latency } from './order-latency.ts'
import { prices } from './prices.ts'
import { transfers } from './transfers.ts'

const usage = `node --conditions=spansync-source test/bench/coordination.ts [--only transfers,latency,idle,prices] [--edits N] [--json]
  transfers  random data on the network of home and work: time, bytes, what the slow link carries
  latency    one-line edits on the line of four, with orders and without
  idle       what four nodes and their coordinator say in a minute in which nothing happens
  prices     home and work with a price on one link: cost and time for each objective, and what the plan foretold`

const parts = { transfers, latency, idle, prices } satisfies Record<
  string,
  (say: Say, options: { readonly edits: number }) => Promise<Figure[]>
>

class UsageError extends Error {}

function chosen(given: string | undefined): (keyof typeof parts)[] {
  const all = Object.keys(parts) as (keyof typeof parts)[]
  const names = given?.split(',') ?? all
  const unknown = names.find((name) => !all.includes(name as keyof typeof parts))
  if (unknown !== undefined) throw new UsageError(`${unknown} is none of ${all.join(', ')}`)
  return names as (keyof typeof parts)[]
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({ options: { only: text, edits: text, json: flag, help: flag } })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const names = chosen(values.only)
  const availability = Lab.available()
  if (!availability.ok) throw new Error(availability.reason)
  const say = (part: string, line: string): void =>
    void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${part}: ${line}\n`)
  const figures: Figure[] = []
  for (const name of names) {
    say(name, 'start')
    figures.push(...(await parts[name]((line) => say(name, line), { edits: Number(values.edits ?? 15) })))
  }
  if (values.json) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`)
  else process.stdout.write(`${figuresTable(figures)}\n`)
  if (!availability.delays) process.stdout.write('This kernel has no netem: links have a rate but no delay.\n')
  for (const { label } of missed(figures)) process.stdout.write(`missed: ${label}\n`)
  return missed(figures).length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  const { code = '' } = error as NodeJS.ErrnoException
  const wrongUse = error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${wrongUse ? `${usage}\n` : ''}`)
  process.exitCode = wrongUse ? 2 : 1
}
