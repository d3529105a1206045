/// <reference lib="esnext.disposable" />
import type { NodeId } from '@spansync/common/core/causal/types'
import { predictSeconds } from '@spansync/common/core/plan/predict'
import type { PlanLink } from '@spansync/common/core/plan/types'
import type { FolderPlan, PlanEdge } from '@spansync/common/protocol/overview'
import { coordinate } from '../lab/coordinate.ts'
import type { CoordinatorNode } from '../lab/coordinator-node.ts'
import { Fleet } from '../lab/fleet.ts'
import { until } from '../lab/until.ts'
import type { Say } from './cases.ts'
import type { Figure } from './figures.ts'
import { send } from './transfers.ts'

const origin = 's'
const bytes = 5e6
/** Enough for the links to be measured. */
const warmUpBytes = 1e6

const objectives = ['cheapest', 'balanced', 'fastest'] as const
/** The paid link is the fast one to the remote machine; a share of it that counts as nothing, where it is to be spared. */
const shares: Partial<Record<(typeof objectives)[number], number>> = { cheapest: 1 }

/** For each objective the same sending: what it costs, how long it takes, and what the plan had foretold. */
export async function prices(say: Say): Promise<Figure[]> {
  const linkFlags = ({ a, b }: { a: string; b: string }): string[] =>
    a === 'r' && b === 's' ? ['--price-per-gb', '5'] : ['--price-per-gb', '0']
  await using fleet = await Fleet.create('home-work', { linkFlags })
  await using coordinator = await coordinate(fleet, origin)
  const paid = fleet.lab.link('r', 's')
  const figures: Figure[] = []
  for (const objective of objectives) {
    await coordinator.setObjective(objective)
    await send(fleet, origin, [warmUpBytes])
    const plan = await settledPlan(coordinator)
    const foretold = predictSeconds(toPlan(plan), { bytes, origin: origin as NodeId })
    const before = paid.bytes()
    const { seconds } = await send(fleet, origin, [bytes])
    const share = (100 * (paid.bytes() - before)) / bytes
    const edges = plan.edges.map((edge) => `${edge.a}-${edge.b} ${((edge.throughputBps * 8) / 1e6).toFixed(1)} Mbit/s`)
    say(`${objective}: ${edges.join(', ')}; foretold ${foretold.toFixed(1)} s, took ${seconds?.toFixed(1)} s`)
    const target = shares[objective]
    const about = `prices, ${objective}: 5 MB from ${origin}`
    figures.push(
      {
        ...{ label: `${about}, share on the paid link`, value: share, unit: '%', digits: 2 },
        ...(target !== undefined && { target }),
      },
      { label: `${about}, everywhere`, value: seconds, unit: 's' },
      { label: `${about}, foretold`, value: foretold, unit: 's' },
      {
        ...{ label: `${about}, off by`, unit: '%', digits: 0, target: 20 },
        value: seconds === undefined ? undefined : (100 * Math.abs(foretold - seconds)) / seconds,
      },
    )
  }
  return figures
}

/** Two looks in a row that show the same edges: what was measured last has been taken into account. */
async function settledPlan(coordinator: CoordinatorNode): Promise<FolderPlan> {
  let before = ''
  const same = async (): Promise<FolderPlan | undefined> => {
    const plan = await coordinator.plan()
    const edges = JSON.stringify(plan.edges.map(({ a, b }) => [a, b]))
    const isSame = edges === before
    before = edges
    return isSame ? plan : undefined
  }
  return until(same, { deadlineMs: 10_000, intervalMs: 1000, what: 'the plan settles' })
}

/** By names, which is all that the planner's arithmetic needs. */
function toPlan({ edges, components }: FolderPlan) {
  const toLink = ({ a, b, busy: _, ...rest }: PlanEdge): PlanLink => ({
    ...rest,
    a: a as NodeId,
    b: b as NodeId,
    metered: false,
  })
  return { edges: edges.map(toLink), components: components as unknown as readonly NodeId[][], heldApart: [] }
}
