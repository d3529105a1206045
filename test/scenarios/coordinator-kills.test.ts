/// <reference lib="esnext.disposable" />
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { coordinate, untilFollowed } from '../lab/coordinate.ts'
import type { CoordinatorNode } from '../lab/coordinator-node.ts'
import { CoordinatorPair } from '../lab/coordinator-pair.ts'
import type { Fleet } from '../lab/fleet.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLong, useFleet } from '../lab/suite.ts'
import { readTree } from '../lab/tree.ts'
import { pause, until } from '../lab/until.ts'
import { Place } from './place.ts'
import { Random } from './random.ts'
import { Work } from './work.ts'

const seed = Number(process.env.SPANSYNC_SEED ?? Date.now() % 1_000_000)
/** Half of them with one coordinator, half of them with two. */
const rounds = Number(process.env.SPANSYNC_ROUNDS ?? 6)

/** Something that can be dead for a while. */
interface Victim {
  readonly name: string
  readonly isAlive: () => boolean
  readonly kill: () => Promise<unknown>
  readonly revive: () => Promise<unknown>
}

interface Setting extends AsyncDisposable {
  /** All of the coordination; the agents come on top. */
  readonly victims: readonly Victim[]
  /** Any of them: each shows who leads. */
  readonly coordinator: CoordinatorNode
}

const coordinatorVictim = (coordinator: CoordinatorNode): Victim => ({
  name: coordinator.name,
  isAlive: () => coordinator.alive,
  kill: () => coordinator.crash(),
  revive: () => coordinator.start(),
})

async function alone(fleet: Fleet): Promise<Setting> {
  const coordinator = await coordinate(fleet, 'b')
  const nats: Victim = {
    name: 'nats-server',
    isAlive: () => coordinator.natsPid() !== undefined,
    kill: () => coordinator.crashNats(),
    // The coordinator sees to it, now or at its own next start.
    revive: async () => {},
  }
  return {
    coordinator,
    victims: [coordinatorVictim(coordinator), nats],
    [Symbol.asyncDispose]: () => coordinator[Symbol.asyncDispose](),
  }
}

async function inPairs(fleet: Fleet): Promise<Setting> {
  const pair = await CoordinatorPair.create(fleet, 'b')
  const { nats, redis } = pair
  let redisLives = true
  const services: Victim[] = [
    { name: 'nats-server', isAlive: () => nats.alive, kill: () => nats.crash(), revive: () => nats.start() },
    {
      name: 'redis',
      isAlive: () => redisLives,
      kill: async () => {
        redisLives = false
        await redis.stop('SIGKILL')
      },
      revive: async () => {
        await redis.start()
        redisLives = true
      },
    },
  ]
  const [coordinator] = pair.coordinators
  return {
    coordinator,
    victims: [...pair.coordinators.map(coordinatorVictim), ...services],
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  }
}

interface Blows {
  readonly fleet: Fleet
  readonly setting: Setting
  readonly work: Work
  readonly random: Random
  /** Of the agents those that may be killed. */
  readonly mortal: readonly string[]
}

/** Work and blows, in turn; then everything lives again and all replicas are equal. */
async function endure({ fleet, setting, work, random, mortal }: Blows, count: number): Promise<void> {
  const agents = fleet.agents
    .filter(({ name }) => mortal.includes(name))
    .map(
      (agent): Victim => ({
        name: agent.name,
        isAlive: () => agent.alive,
        kill: () => agent.crash(),
        revive: () => agent.start(),
      }),
    )
  const victims = [...setting.victims, ...agents]
  const told: string[] = []
  try {
    for (let round = 0; round < count; round += 1) {
      for (let act = random.integer(2, 8); act > 0; act -= 1) work.act()
      // The moment of the blow is what this scenario varies; there is nothing to wait for.
      await pause(random.integer(0, 1000))
      // What is not agents' makes up half of all blows, however many agents there are.
      const victim = random.pick(random.chance(0.5) ? setting.victims : victims)
      told.push(`${victim.isAlive() ? '-' : '+'}${victim.name}`)
      // A coordinator may end at once while its store is dead; then it stays dead, too, until the end.
      await (victim.isAlive() ? victim.kill() : victim.revive().catch(() => told.push(`!${victim.name}`)))
    }
    // What others need comes first.
    for (const victim of victims.toReversed()) if (!victim.isAlive()) await victim.revive()
    await fleet.untilEqual({ deadlineMs: 60_000, intervalMs: 200 })
    await untilFollowed(fleet, setting.coordinator, 30_000)
    await fleet.lab.quiet(1000, 10_000)
    await fleet.untilEqual()
    expect((await fleet.agent('a').sync(20)).code).toBe(0)
  } catch (error) {
    console.error(await setting.coordinator.report())
    throw error
  } finally {
    console.log(`killed (-), started again (+), to no avail (!): ${told.join(' ')}`)
  }
}

function workOn(fleet: Fleet, name: string, random: Random): Work {
  return new Work(new Map(fleet.agents.map((agent) => [agent.name, new Place(join(agent.folderPath, name))])), random)
}

function expectNothingLost(fleet: Fleet, work: Work, name: string): void {
  const { lost, risen } = work.audit(readTree(join(fleet.agent('a').folderPath, name)))
  expect({ lost, risen }).toEqual({ lost: [], risen: [] })
}

/** Bytes that an agent holds after its next collection, which it makes when it comes to rest. */
async function heapOf(agent: SpansyncNode): Promise<number> {
  const collections = (): string[] => agent.output().match(/.*"memory.collected".*/g) ?? []
  const before = collections().length
  const what = 'the agent comes to rest and collects'
  await until(() => collections().length > before, { deadlineMs: 60_000, what })
  const { heapUsed, external } = JSON.parse(collections().at(-1) as string)
  return heapUsed + external
}

/** More than what the work itself adds, files and their history; less than what as many links, sessions or connections would hold
 *  that nobody closes. */
const mostGrowthBytes = 6e6
/** Of a whole process, whose pages come and go. */
const mostGrowthOfProcessBytes = 16e6

describeLong('coordinators, what they need, and agents, killed at random moments', () => {
  const shared = useFleet('ring')

  test.each([
    ['one coordinator with a NATS server of its own', alone],
    ['two coordinators that share Redis and NATS', inPairs],
  ] as const)('%s: nothing is lost', { timeout: 90_000 + rounds * 10_000 }, async (name, make) => {
    console.log(`kills: SPANSYNC_SEED=${seed} SPANSYNC_ROUNDS=${rounds}`)
    const random = new Random(seed)
    const fleet = shared()
    await using setting = await make(fleet)
    const work = workOn(fleet, name, random)
    await endure({ fleet, setting, work, random, mortal: fleet.agents.map((agent) => agent.name) }, rounds / 2)
    expectNothingLost(fleet, work, name)
  })
})

describeLong('a coordinator and an agent with all around them killed at random moments', () => {
  const shared = useFleet('ring')

  test('do not grow', { timeout: 90_000 + rounds * 20_000 }, async () => {
    const name = 'survivors'
    const random = new Random(seed)
    const fleet = shared()
    await using whole = await alone(fleet)
    const { coordinator } = whole
    const setting = { ...whole, victims: whole.victims.filter((victim) => victim.name !== coordinator.name) }
    const survivor = fleet.agent('a')
    await survivor.stop()
    survivor.tellMore()
    await survivor.start()
    const mortal = fleet.agents.map((agent) => agent.name).filter((one) => one !== survivor.name)
    const work = workOn(fleet, name, random)
    const blows = { fleet, setting, work, random, mortal }
    const memory = async (): Promise<{ coordinator: number; agent: number }> => {
      const agent = await heapOf(survivor)
      return { coordinator: coordinator.usage().agent.rssBytes, agent }
    }
    // What is loaded and compiled once, and the archives of the pairs.
    await endure(blows, rounds / 2)
    const before = await memory()
    await endure(blows, rounds)
    const after = await memory()
    expectNothingLost(fleet, work, name)
    console.log(`memory: ${JSON.stringify({ before, after })}`)
    expect(after.coordinator - before.coordinator).toBeLessThan(mostGrowthOfProcessBytes)
    expect(after.agent - before.agent).toBeLessThan(mostGrowthBytes)
  })
})
