/// <reference lib="esnext.disposable" />
/** Measures Spansync beside plain Unison and rsync on the same virtual network, and prints one table. */
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { Lab } from '../lab/lab.ts'
import { copyOverTcp } from '../lab/tcp-copy.ts'
import { type CaseName, cases, type Values } from './cases.ts'
import type { Contender } from './contender.ts'
import { plainUnison, rsyncDaemon } from './peers.ts'
import { renderTable, resultRows } from './rows.ts'
import { full, quick } from './scale.ts'
import { spansync } from './spansync.ts'

const usage = `node test/bench/main.ts [--only line,data,ring,pair] [--with spansync,unison,rsync] [--edits N] [--quick] [--json]
  line  10,000 files on the line of four: first sync, one-line edits, the idle minute
  data  zeros and random bytes over the line
  ring  20 MB over the ring and over the line, and what is sent afterwards
  pair  100,000 files between two nodes`

const rowsOf: Readonly<Record<CaseName, readonly string[]>> = {
  line: ['first', 'edit', 'editBytes', 'idleBytes', 'idleCpu'],
  data: ['zeros', 'random'],
  ring: ['sameOnLine', 'ring', 'ringAfter'],
  pair: ['pairFirst', 'pairEdit', 'pairRss', 'pairTreeRss', 'pairIdleCpu'],
}

type Results = Partial<Record<Contender['id'], Values>>

class UsageError extends Error {}

function chosen<T extends string>(given: string | undefined, all: readonly T[]): T[] {
  const names = given?.split(',') ?? all
  const unknown = names.find((name) => !all.includes(name as T))
  if (unknown !== undefined) throw new UsageError(`${unknown} is none of ${all.join(', ')}`)
  return names as T[]
}

function options() {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    options: { only: text, with: text, edits: text, quick: flag, json: flag, help: flag },
  })
  const scale = values.quick ? quick : full
  return {
    ...values,
    only: chosen(values.only, Object.keys(cases) as CaseName[]),
    contenders: chosen(values.with, ['spansync', 'unison', 'rsync']),
    scale: values.edits === undefined ? scale : { ...scale, edits: Number(values.edits) },
  }
}

const say = (text: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)

async function measure(contender: Contender, only: readonly CaseName[], scale: typeof full): Promise<Values> {
  const values: Values = {}
  for (const name of only) {
    const prefix = `${name}, ${contender.title}: `
    say(`${prefix}start`)
    try {
      Object.assign(values, await cases[name](contender, scale, (text) => say(prefix + text)))
    } catch (error) {
      // A contender that fails at one case is still measured at the others; its cells stay empty.
      say(`${prefix}failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return values
}

/** What headers and acknowledgements alone cost here: no row of bytes can be lower. */
async function plainTcp(): Promise<{ ratio: number; megabitsPerSecond: number }> {
  await using lab = await Lab.create('pair')
  const { ratio, bitsPerSecond } = await copyOverTcp(lab, 'a', 'b', 20_000_000)
  return { ratio, megabitsPerSecond: bitsPerSecond / 1e6 }
}

async function main(): Promise<number> {
  const { only, contenders, scale, json, help } = options()
  if (help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const availability = Lab.available()
  if (!availability.ok) throw new Error(availability.reason)
  const results: Results = {}
  const all = [spansync, plainUnison, rsyncDaemon].filter(({ id }) => contenders.includes(id))
  const floor = await plainTcp()
  for (const contender of all) {
    const missing = contender.missing()
    if (missing === undefined) results[contender.id] = await measure(contender, only, scale)
    else say(`${contender.title} is not measured: ${missing} is missing`)
  }
  const rows = resultRows(
    scale,
    results,
    only.flatMap((name) => rowsOf[name]),
  )
  const machine = { cpus: cpus().length, kernel: release(), node: process.version, delays: availability.delays }
  const report = { machine, scale, floor, rows }
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else {
    process.stdout.write(`${renderTable(rows, all)}\n\n`)
    process.stdout.write(
      `One plain TCP copy: ${floor.ratio.toFixed(3)}× its payload, ${floor.megabitsPerSecond.toFixed(0)} Mbit/s.`,
    )
    process.stdout.write(availability.delays ? '\n' : ' This kernel has no netem: links have a rate but no delay.\n')
    process.stdout.write('Plain Unison and rsync use their own unencrypted transports. "-": never equal, or failed.\n')
  }
  return rows.some(({ values }) => contenders.includes('spansync') && values.spansync === undefined) ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  const { code = '' } = error as NodeJS.ErrnoException
  const wrongUse = error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${wrongUse ? `${usage}\n` : ''}`)
  process.exitCode = wrongUse ? 2 : 1
}
