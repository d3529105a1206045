import { Random } from '../scenarios/random.ts'
import type { Ground } from './ground.ts'

/** What users do. */
export const actNames = [
  'create',
  'edit',
  'save',
  'append',
  'rename',
  'move-directory',
  'delete',
  'delete-directory',
  'swap-kind',
  'symlink',
  'chmod',
  'twice',
  'same-size',
  'grow',
] as const
export type ActName = (typeof actNames)[number]

export const faultNames = [
  'cut',
  'one-way',
  'slow',
  'kill-agent',
  'kill-unison',
  'kill-coordinator',
  'kill-nats',
  'freeze-agent',
  'freeze-unison',
  'freeze-coordinator',
  'disk-full',
  'unmount',
  'clock',
  'lose-index',
  'lose-archives',
  'mode',
  'plan',
  'filter',
] as const
export type FaultName = (typeof faultNames)[number]

interface Timed {
  /** Before it. Part of the schedule: which moment is hit is what a history varies. */
  readonly pauseMs: number
  /** Chooses what it is done to, by remainder, so that a step means the same when others are left out. */
  readonly pick: number
}

export interface Act extends Timed {
  readonly kind: 'act'
  readonly act: ActName
  readonly node: number
  readonly path: string
  /** Of what has two. */
  readonly other: string
  /** Makes its content unlike any other. */
  readonly id: string
  readonly bytes: number
}

export interface Fault extends Timed {
  readonly kind: 'fault'
  readonly fault: FaultName
  /** So many steps later it is over. */
  readonly lasts: number
}

export type Step = Act | Fault

/** Few, so that people meet. `f` is a file for some and a directory for others. */
const paths = ['a', 'b.txt', 'c d.txt', 'd/x', 'd/y.txt', 'd/e/z', 'f', 'f/x', 'g', 'h/i/j/k'] as const
const directories = ['d', 'd/e', 'f', 'h/i', 'm', 'd/m'] as const

const weights: Readonly<Record<ActName, number>> = {
  create: 8,
  edit: 5,
  save: 4,
  append: 4,
  rename: 4,
  'move-directory': 3,
  delete: 5,
  'delete-directory': 2,
  'swap-kind': 2,
  symlink: 2,
  chmod: 2,
  twice: 2,
  'same-size': 3,
  grow: 1,
}

const bag = actNames.flatMap((name) => Array.from({ length: weights[name] }, () => name))

/** How often at most in one history, and whether on this ground at all. Whole kinds of faults are left out of most histories: what
 *  is always disturbed never gets far (swarm testing, Groce et al. 2012). */
const faults: Readonly<Record<FaultName, { readonly most: number; readonly needs?: keyof Ground }>> = {
  cut: { most: 5 },
  'one-way': { most: 3 },
  slow: { most: 3 },
  'kill-agent': { most: 4 },
  'kill-unison': { most: 6 },
  'kill-coordinator': { most: 2, needs: 'isCoordinated' },
  'kill-nats': { most: 2, needs: 'isCoordinated' },
  'freeze-agent': { most: 3 },
  'freeze-unison': { most: 3 },
  'freeze-coordinator': { most: 2, needs: 'isCoordinated' },
  'disk-full': { most: 2, needs: 'hasDisks' },
  unmount: { most: 2, needs: 'hasDisks' },
  clock: { most: 2 },
  'lose-index': { most: 1 },
  'lose-archives': { most: 2 },
  mode: { most: 3 },
  plan: { most: 3, needs: 'isCoordinated' },
  filter: { most: 3 },
}

/** Seeds below were found before there were filters of links, and stay what they were. */
const firstFiltered = 3_000_000

export interface ScheduleOptions {
  readonly ground: Ground
  readonly seed: number
  readonly operations: number
}

export function scheduleOf({ ground, seed, operations }: ScheduleOptions): Step[] {
  const random = new Random(seed * 31 + 7)
  const steps: Step[] = []
  for (let at = 0; at < operations; at += 1) steps.push(drawAct(random, `${seed}.${at}`, ground.graph.nodes.length))
  for (const fault of [...chosenFaults(random, ground), ...chosenFilters(seed)]) {
    const step: Fault = { kind: 'fault', fault, pick: random.integer(0, 1e6), pauseMs: 0, lasts: random.integer(2, 25) }
    steps.splice(random.integer(0, steps.length), 0, step)
  }
  return steps
}

function drawAct(random: Random, id: string, nodes: number): Act {
  const act = random.pick(bag)
  const ofDirectories = act === 'move-directory' || act === 'delete-directory'
  return {
    kind: 'act',
    act,
    id,
    node: random.integer(0, nodes),
    path: random.pick(ofDirectories ? directories : paths),
    other: random.pick(ofDirectories ? directories : paths),
    pick: random.integer(0, 1e6),
    bytes: random.chance(0.08) ? 700_000 : random.integer(0, 3000),
    pauseMs: random.pick([0, 0, 0, 0, 0, 0, 5, 15, 30, 80, 250]),
  }
}

function chosenFaults(random: Random, ground: Ground): FaultName[] {
  const possible = faultNames.filter((name) => {
    const { needs } = faults[name]
    return name !== 'filter' && (needs === undefined || ground[needs])
  })
  const kinds = Array.from({ length: random.integer(1, 6) }, () => random.pick(possible))
  return [...new Set(kinds)].flatMap((name) => {
    const count = random.integer(1, faults[name].most + 1)
    return Array.from({ length: count }, () => name)
  })
}

/** Beside the others, in two of five histories. */
function chosenFilters(seed: number): FaultName[] {
  const random = new Random(seed * 37 + 11)
  if (seed < firstFiltered || !random.chance(0.4)) return []
  return Array.from({ length: random.integer(1, faults.filter.most + 1) }, () => 'filter')
}

export function stepText(step: Step): string {
  const { pauseMs } = step
  if (step.kind === 'fault') return `+${pauseMs} ms ${step.fault.toUpperCase()} (${step.pick}) for ${step.lasts} steps`
  return `+${pauseMs} ms n${step.node} ${step.act} ${step.path} ${step.other} ${step.id} ${step.bytes} bytes`
}
