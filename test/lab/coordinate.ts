import type { FolderPlan, Overview } from '@spansync/common/protocol/overview'
import { CoordinatorNode, type CoordinatorOptions, type Mode } from './coordinator-node.ts'
import type { Fleet } from './fleet.ts'
import type { SpansyncNode } from './spansync-node.ts'
import { until } from './until.ts'

/** Starts a coordinator on the node and has every agent of the fleet follow it. When this returns, all do, and it has planned. */
export async function coordinate(
  fleet: Fleet,
  hub: string,
  options: CoordinatorOptions = {},
): Promise<CoordinatorNode> {
  await using stack = new AsyncDisposableStack()
  const coordinator = stack.use(new CoordinatorNode(await fleet.lab.manage(hub), options))
  await coordinator.init()
  await coordinator.start()
  await Promise.all(fleet.agents.map((agent) => coordinator.enlist(agent)))
  await untilFollowed(fleet, coordinator)
  stack.move()
  return coordinator
}

/** Waits until whoever leads has heard of all running agents that they follow it, and its plan joins them. */
export async function untilFollowed(fleet: Fleet, coordinator: CoordinatorNode, deadlineMs = 45_000): Promise<void> {
  const names = fleet.agents.filter((agent) => agent.alive).map(({ name }) => name)
  let seen = ''
  const complete = async (): Promise<boolean> => {
    const overview = await coordinator.status()
    seen = JSON.stringify({ nodes: overview.nodes, plans: overview.plans })
    return isFollowed(names, overview)
  }
  await until(complete, {
    ...{ deadlineMs, intervalMs: 300 },
    what: () => `${names} follow ${coordinator.name}; it sees ${seen}\n${coordinator.logTails()}`,
  })
}

/** All of them follow, and every plan joins them. */
export function isFollowed(names: readonly string[], { nodes, plans }: Overview): boolean {
  const following = nodes.filter(({ mode }) => mode?.effective === 'centralised').map(({ name }) => name)
  const joins = ({ components }: FolderPlan): boolean =>
    components.some((group) => names.every((name) => group.includes(name)))
  return names.every((name) => following.includes(name)) && plans.length > 0 && plans.every(joins)
}

/** Waits until the plan of the four of home and work joins them without this one link (its ends in order: `l1-r`). */
export async function untilUnused(coordinator: CoordinatorNode, link: string): Promise<void> {
  const leaves = async (): Promise<boolean> => {
    const { unused, edges } = await coordinator.plan()
    return edges.length === 3 && unused.map(({ a, b }) => [a, b].sort().join('-')).join() === link
  }
  await until(leaves, { deadlineMs: 10_000, intervalMs: 200, what: `the plan leaves ${link} alone` })
}

/** Waits until each of them is in the mode. Answers the milliseconds that it took. */
export async function untilMode(agents: readonly SpansyncNode[], mode: Mode, deadlineMs = 45_000): Promise<number> {
  const start = performance.now()
  let others: string[] = []
  const complete = async (): Promise<boolean> => {
    const modes = await Promise.all(agents.map(async (agent) => [agent.name, (await agent.glance()).mode.effective]))
    others = modes.flatMap(([name = '', effective]) => (effective === mode ? [] : [name]))
    return others.length === 0
  }
  await until(complete, { deadlineMs, intervalMs: 100, what: () => `${others} become ${mode}` })
  return performance.now() - start
}
