import { connectControl } from '@spansync/agent/control/client'
import type { Fleet } from '../lab/fleet.ts'
import { replicaDifferences } from '../lab/replicas.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { DeadlineError, until } from '../lab/until.ts'
import type { World } from './world.ts'

/** What a quiet machine needs is a few seconds; `until` gives three times this. */
const deadlineMs = 20_000

/** Everything is up: waits until all replicas are equal and everybody knows. Only one agent is asked to look at its disk again: the
 *  others have to have noticed by themselves. Answers why they are not, or nothing. */
export async function settle(world: World): Promise<string[]> {
  const { fleet, coordinator } = world
  const died = await revive(world)
  try {
    await fleet.connected(deadlineMs)
    if (coordinator !== undefined) {
      await heardByAll(fleet)
      await coordinator.attempt(['mode', 'centralised'])
    }
    const [first] = fleet.agents
    if (first === undefined) return []
    let said: string[] = []
    const agree = async (): Promise<boolean> => {
      said = await disagreement(first, fleet.agents.length)
      return said.length === 0
    }
    await until(agree, { deadlineMs, intervalMs: 50, what: () => `all agents agree\n${said.join('\n')}` })
    let differences: string[] = []
    const equal = (): boolean => {
      differences = replicaDifferences(fleet.agents)
      return differences.length === 0
    }
    await until(equal, { deadlineMs: 4000, what: () => `replicas are equal\n${differences.join('\n')}` })
    await atRest(fleet)
    return died
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error
    return [...died, `not settled: ${error.message}`]
  }
}

/** Of a coordinator that was gone each agent learns at its next try, seconds later. */
async function heardByAll(fleet: Fleet): Promise<void> {
  let deaf: string[] = []
  const heard = async (): Promise<boolean> => {
    const statuses = await Promise.all(fleet.agents.map((agent) => agent.glance()))
    deaf = statuses.flatMap(({ node, coordinator }) => (coordinator.connected ? [] : [node]))
    return deaf.length === 0
  }
  await until(heard, { deadlineMs, intervalMs: 50, what: () => `the coordinator is heard by ${deaf.join(', ')}` })
}

/** A session that has put all in place has yet to come to its end. */
async function atRest(fleet: Fleet): Promise<void> {
  let states: string[] = []
  const rest = async (): Promise<boolean> => {
    const folders = await Promise.all(fleet.agents.map(async (agent) => (await agent.glance()).folders))
    states = folders.flat().map(({ state }) => state)
    return states.every((state) => state === 'idle')
  }
  await until(rest, { deadlineMs, intervalMs: 50, what: () => `all come to rest: ${states.join(' ')}` })
}

/** Starts what was killed and not healed; answers what has died by itself. */
async function revive({ fleet, coordinator }: World): Promise<string[]> {
  if (coordinator !== undefined && !coordinator.alive) await coordinator.start()
  const dead = fleet.agents.filter((agent) => !agent.alive)
  await Promise.all(dead.map((agent) => agent.start()))
  return dead.map(({ name }) => `the agent on ${name} ended by itself`)
}

/** Asks one agent, which asks all others. */
export async function disagreement(agent: SpansyncNode, agents: number): Promise<string[]> {
  const { folders } = await connectControl(agent.home).sync({ folder: 'f', wait: true, timeoutMs: 5000 })
  const [folder] = folders
  if (folder === undefined) return ['the folder is not there']
  const { equal, error, replicas } = folder
  const lagging = replicas.filter(({ state }) => state !== 'equal')
  const problems = [...lagging, ...(error === undefined ? [] : [error])].map((one) => JSON.stringify(one))
  if (problems.length > 0) return problems
  if (!equal) return ['not equal']
  return replicas.length === agents - 1 ? [] : [`only ${replicas.length} other replicas answer`]
}
