import { doors as everyDoor, type HoldsBack } from '../core/agent/state.ts'
import type { RelativePath } from '../core/causal/types.ts'
import { type Audit, createAudit, knowledgeHolds } from './audit.ts'
import { createRandom, type Random } from './random.ts'
import { type Settled, settle } from './settle.ts'
import type { SimAgent } from './sim-agent.ts'
import { type Faults, noFaults, type Parts } from './types.ts'
import { User } from './user.ts'
import { SimWorld } from './world.ts'

export interface HistoryOptions extends Parts {
  readonly seed: number
  readonly faults?: Partial<Faults> | undefined
  readonly crashes?: boolean
  /** Folders close and open again while their links stay up. */
  readonly reopens?: boolean
  /** Some crashes and reopenings cost the index, too. */
  readonly losses?: boolean
  /** Agents change between following their peers and following orders, which come and go. */
  readonly orders?: boolean
  /** Policy opens and shuts doors, each side by itself and some of them one way only. */
  readonly doors?: boolean
  /** Policy holds single versions back from a link, and lets them go, each side by itself. `kept`: also in the end. */
  readonly filters?: boolean | 'kept'
  /** Tombstones go when everybody has them, and people take the folder away from machines and give it back. */
  readonly collects?: boolean
  /** People approve deletions that wait, sooner or later. */
  readonly approvals?: boolean
  /** Who takes part in some files and not in others, whatever their names: the last agent, which has one link only, or all. */
  readonly picky?: 'leaf' | 'all' | undefined
  readonly operations?: number
}

const names = ['a', 'b', 'd/x', 'd/y', 'd/e/z', 'f', 'f/x', 'g'] as const

/** One random history: 2 to 7 agents, random links that come and go, user operations, failed paths, missed hints, crashes, clocks
 *  apart; then everything is up, everybody scans, and the world runs until it is quiet. */
export function runHistory(options: HistoryOptions): Settled {
  const random = createRandom(options.seed)
  const wordEveryMs = options.collects ? 400 : undefined
  const world = new SimWorld({ ...options, random, faults: { ...noFaults, ...options.faults }, wordEveryMs })
  const audit = createAudit()
  build(world, options.picky)
  const operations = options.operations ?? 10 + random.below(50)
  const meanwhile: string[] = []
  const found = new Set<string>()
  // A replica that knows too much soon gets what it lacks, so every commit is looked at.
  if (options.collects) world.inspect = (agent) => knowledgeHolds(world, agent).forEach((text) => void found.add(text))
  // Its own numbers, so that looking does not change the history.
  const inspection = createRandom(options.seed + 1)
  for (let at = 0; at < operations && meanwhile.length === 0; at++) {
    disturb(world, options)
    userOperation(world, random.pick(world.agents), audit)
    const until = world.queue.now + random.pick([0, 20, 100, 400, 2000])
    while (world.queue.nextAt() <= until && world.queue.advance());
    world.queue.now = Math.max(world.queue.now, until)
    if (inspection.chance(0.3)) meanwhile.push(...world.agents.flatMap((agent) => knowledgeHolds(world, agent)))
  }
  const settled = settle(world, audit, { isPartial: options.filters === 'kept' })
  return {
    ...settled,
    violations: [...[...meanwhile, ...found].map((text) => `meanwhile: ${text}`), ...settled.violations],
  }
}

function build(world: SimWorld, picky: HistoryOptions['picky']): void {
  const { random } = world
  const count = 2 + random.below(6)
  for (let at = 0; at < count; at++) {
    const agent = world.addAgent(
      `n${at}`,
      picky === 'all' || (picky === 'leaf' && at === count - 1) ? isLiked : undefined,
    )
    agent.skewUs = random.chance(0.5) ? 0 : (random.below(2_000_000) - 1_000_000) * 1000
    if (at > 0) world.addLink(random.below(at), at)
  }
  for (let extra = random.below(count); extra > 0; extra--) addExtraLink(world, random)
  world.share()
  for (const link of world.links) world.setLink(link, random.chance(0.7))
}

/** Two of three contents. */
const isLiked = (content: string): boolean => Number(content.replace(/\D/g, '')) % 3 !== 0

function addExtraLink(world: SimWorld, random: Random): void {
  const left = random.below(world.agents.length)
  const right = random.below(world.agents.length)
  const known = world.links.some(({ ends }) => ends.includes(left) && ends.includes(right))
  const isForLeaf = world.isMixed && [left, right].some((at) => world.agents[at]?.isPicky)
  if (left !== right && !known && !isForLeaf) world.addLink(left, right)
}

function disturb(
  world: SimWorld,
  {
    crashes = true,
    losses = false,
    reopens = false,
    orders = false,
    doors = false,
    filters = false,
    collects = false,
    approvals = false,
    seed,
  }: HistoryOptions,
): void {
  const { random } = world
  if (approvals && random.chance(0.1)) random.pick(world.agents).approve()
  if (orders) world.order(random.pick(world.links), random.chance(0.5))
  if (orders && random.chance(0.2)) random.pick(world.agents).follow(random.chance(0.6) ? 'orders' : 'peers')
  if (doors) {
    const [left, right] = random.pick(world.links).ends.map((end) => world.agents[end] as SimAgent) as [
      SimAgent,
      SimAgent,
    ]
    left.setDoor(right.id, random.pick(everyDoor))
    right.setDoor(left.id, random.pick(everyDoor))
  }
  if (filters !== false && random.chance(0.3)) {
    const [left, right] = random.pick(world.links).ends.map((end) => world.agents[end] as SimAgent) as [
      SimAgent,
      SimAgent,
    ]
    left.setHoldsBack(right.id, random.pick(everyFilter))
    right.setHoldsBack(left.id, random.pick(everyFilter))
  }
  // In every second history nobody is removed, and then no tombstone may go too early.
  if (collects && seed % 2 === 0) removeOrReadmit(world)
  if (random.chance(0.2)) world.setLink(random.pick(world.links), random.chance(0.5))
  if (reopens && random.chance(0.1)) world.reopen(random.pick(world.agents), losses && random.chance(0.5))
  if (crashes && random.chance(0.05)) world.crash(random.pick(world.agents), losses && random.chance(0.5))
}

const everyFilter: readonly (HoldsBack | undefined)[] = [
  undefined,
  ({ kind, hash }) => kind === 'file' && !isLiked(hash),
  ({ kind, hash }) => kind === 'file' && isLiked(hash),
  ({ path }) => path === 'd' || path.startsWith('d/'),
]

function removeOrReadmit(world: SimWorld): void {
  const { random, removed, agents } = world
  if (random.chance(0.04) && removed.size < agents.length - 2) world.remove(random.pick(agents))
  if (removed.size > 0 && random.chance(0.1)) world.readmit(random.pick([...removed]))
}

function userOperation(world: SimWorld, agent: SimAgent, audit: Audit): void {
  const { random } = world
  const user = new User({ agent, audit, random })
  const path = random.chance(0.85) ? random.pick(names) : (random.pick([...agent.disk.paths(), 'a']) as RelativePath)
  const choice = random.below(10)
  if (choice < 5) user.write(path, audit.freshContent())
  else if (choice < 6) user.write(path, `same${random.below(2)}`)
  else if (choice < 8) user.remove(path)
  else if (choice < 9) user.makeDirectory(path)
  else user.rename(path, random.pick(names))
  if (!random.chance(world.faults.missedHint)) agent.hint(user.touched, world.delay())
}
