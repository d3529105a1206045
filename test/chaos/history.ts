import { pause } from '../lab/until.ts'
import { perform } from './acts.ts'
import { type Heal, inflict } from './faults.ts'
import { untilGrown } from './growth.ts'
import { inspect } from './inspect.ts'
import { Ledger } from './ledger.ts'
import { settle } from './settle.ts'
import { type Step, stepText } from './steps.ts'
import { Tally } from './tally.ts'
import type { World } from './world.ts'

export interface Outcome {
  /** What went wrong, in words; empty when nothing did. */
  readonly violations: readonly string[]
  /** Acts and faults that took place, by name. */
  readonly tally: Tally
  /** Moment and step, one line each. */
  readonly story: readonly string[]
  readonly settleMs: number
  readonly totalMs: number
}

interface Open {
  readonly until: number
  readonly heal: Heal
}

/** One history in a directory of its own; what earlier ones left lies beside it. */
export async function play(world: World, steps: readonly Step[], home: string): Promise<Outcome> {
  world.ledger = new Ledger()
  const start = performance.now()
  const tally = new Tally()
  const story: string[] = []
  const open: Open[] = []
  for (const [index, step] of steps.entries()) {
    if (step.pauseMs > 0) await pause(step.pauseMs)
    await healUntil(open, index)
    const done = await take(world, step, home)
    if (done === 'not possible') continue
    tally.add(step.kind === 'act' ? step.act : step.fault)
    story.push(`${new Date().toISOString().slice(11, 23)} ${stepText(step)}`)
    if (step.kind === 'fault') open.push({ until: index + step.lasts, heal: done })
  }
  await untilGrown()
  await healUntil(open, Number.POSITIVE_INFINITY)
  story.push(`${new Date().toISOString().slice(11, 23)} all healed`)
  const healed = performance.now()
  const unsettled = await settle(world)
  const settleMs = performance.now() - healed
  const violations = unsettled.length > 0 ? unsettled : await inspect(world)
  return { violations, tally, story, settleMs, totalMs: performance.now() - start }
}

async function take(world: World, step: Step, home: string): Promise<Heal | 'not possible'> {
  if (step.kind === 'fault') return (await inflict(world, step)) ?? 'not possible'
  const desk = world.desks[step.node % world.desks.length]
  if (desk === undefined || perform(desk, step, home) === 'not possible') return 'not possible'
  return async () => {}
}

/** Oldest first: of two faults on one thing the later may be undone by the earlier's end, never the other way round. */
async function healUntil(open: Open[], index: number): Promise<void> {
  const due = open.filter(({ until }) => until <= index)
  open.splice(0, open.length, ...open.filter((one) => !due.includes(one)))
  for (const { heal } of due) await heal()
}
