import { isConflictCopy } from '../core/causal/conflict-name.ts'
import type { RelativePath } from '../core/causal/types.ts'
import { type Audit, createAudit } from './audit.ts'
import { createRandom } from './random.ts'
import { settle } from './settle.ts'
import type { SimAgent } from './sim-agent.ts'
import { noFaults, type Parts } from './types.ts'
import { User } from './user.ts'
import { SimWorld } from './world.ts'

export type Shape = 'line' | 'star' | 'tree' | 'ring' | 'full'

export interface TurnsOptions extends Parts {
  readonly seed: number
  readonly shape: Shape
}

const names = ['a', 'b', 'd/x', 'd/y', 'd/e/z', 'f', 'f/x', 'g'] as const

/** A history without concurrency: one user at a time, and everything in step in between. There is nothing to argue about then, and
 *  every content has to go to every other agent exactly once, however many ways lead there. */
export function runTurns({ seed, shape, ...parts }: TurnsOptions): string[] {
  const random = createRandom(seed)
  const world = new SimWorld({ ...parts, random, faults: noFaults })
  build(world, shape)
  const audit = createAudit()
  const due = new Map<string, number>()
  for (let turn = 0; turn < 12; turn++) {
    const before = world.record.writes.length
    const agent = takeTurn(world, audit, due)
    const wrong = untilQuiet(world) ?? strangeWrite(world, before, agent)
    if (wrong) return [`turn ${turn}: ${wrong}`]
  }
  const { violations } = settle(world, audit)
  return [...violations, ...wrongTransfers(world, due), ...copies(world)]
}

function build(world: SimWorld, shape: Shape): void {
  const { random } = world
  const count = 3 + random.below(3)
  for (let at = 0; at < count; at++) {
    world.addAgent(`n${at}`).skewUs = (random.below(2_000_000) - 1_000_000) * 1000
    if (at === 0) continue
    const before = { line: at - 1, star: 0, tree: random.below(at), ring: at - 1, full: 0 }[shape]
    world.addLink(before, at)
    if (shape === 'full') for (let other = 1; other < at; other++) world.addLink(other, at)
  }
  if (shape === 'ring') world.addLink(count - 1, 0)
  for (const link of world.links) world.setLink(link, true)
}

function takeTurn(world: SimWorld, audit: Audit, due: Map<string, number>): SimAgent {
  const { random } = world
  const agent = random.pick(world.agents)
  const counting: Audit = {
    ...audit,
    written(path, hash) {
      audit.written(path, hash)
      for (const other of world.agents) if (other !== agent) addOne(due, `${other.name}:${hash}`)
    },
  }
  const user = new User({ agent, audit: counting, random })
  doSomething(user, agent, random.chance(0.8) ? random.pick(names) : random.pick([...agent.disk.paths(), 'a']), audit)
  agent.hint(user.touched, world.delay())
  return agent
}

function doSomething(user: User, agent: SimAgent, path: RelativePath, audit: Audit): void {
  const random = user.random
  const choice = random.below(10)
  if (choice < 4) user.write(path, audit.freshContent())
  else if (choice < 6) user.remove(path)
  else if (choice < 7) user.makeDirectory(path)
  else if (choice < 8) rename(user, random.pick([...agent.disk.paths(), 'a']), path)
  else if (choice < 9) user.changeMode(path, random.pick([0o600, 0o644, 0o755]))
  else user.touch(path)
}

function rename(user: User, from: RelativePath, to: RelativePath): void {
  if (from !== to) user.rename(from, to)
}

function addOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Undefined when it has become quiet, with everybody equal. */
function untilQuiet(world: SimWorld): string | undefined {
  let steps = 0
  while (steps < 10_000 && world.queue.advance()) steps++
  if (world.queue.size > 0) return 'not quiet'
  const digests = new Set(world.agents.map((agent) => agent.index.meta().digest))
  return digests.size > 1 ? 'not equal' : undefined
}

/** Only the agent whose user did something has anything to write; all others adopt. */
function strangeWrite(world: SimWorld, since: number, agent: SimAgent): string | undefined {
  const strange = world.record.writes.slice(since).find(({ dot }) => dot[0] !== agent.state.replica)
  return strange && `${strange.dot.join(':')} took the change of ${agent.name} at ${strange.path} for its own`
}

function wrongTransfers(world: SimWorld, due: ReadonlyMap<string, number>): string[] {
  const moved = [...world.record.transferred].filter(([key]) => !key.endsWith(':'))
  return [...new Set([...due.keys(), ...moved.map(([key]) => key)])]
    .map((key) => ({ key, due: due.get(key) ?? 0, moved: world.record.transferred.get(key) ?? 0 }))
    .filter((one) => one.due !== one.moved)
    .map((one) => `${one.key} was moved ${one.moved} times, not ${one.due}`)
}

function copies(world: SimWorld): string[] {
  const found = world.agents.flatMap((agent) => agent.disk.paths().filter(isConflictCopy))
  return found.map((path) => `a conflict without concurrency: ${path}`)
}
