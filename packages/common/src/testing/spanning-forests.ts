import type { NodeId } from '../core/causal/types.ts'
import { referenceBytes, secondsFor } from '../core/plan/link-time.ts'
import type { PlanLink, PlanRequest } from '../core/plan/types.ts'

/** All forests of as many links as can be, in which leaf-only nodes have one link at most, by trying every set of links. They are what
 *  the planner's choice is held against; only for a handful of nodes. */
export function spanningForests({ participants, leafOnly, links }: PlanRequest): PlanLink[][] {
  let best: PlanLink[][] = []
  const visit = (at: number, chosen: readonly PlanLink[], group: ReadonlyMap<NodeId, NodeId>): void => {
    const size = best[0]?.length ?? 0
    if (chosen.length + links.length - at < size) return
    if (at === links.length) {
      best = chosen.length > size ? [[...chosen]] : [...best, [...chosen]]
      return
    }
    const link = links[at] as PlanLink
    if (mayAdd(link, chosen, group, leafOnly)) visit(at + 1, [...chosen, link], merged(group, link))
    visit(at + 1, chosen, group)
  }
  visit(0, [], new Map(participants.map((id) => [id, id])))
  return best
}

function mayAdd(
  { a, b }: PlanLink,
  chosen: readonly PlanLink[],
  group: ReadonlyMap<NodeId, NodeId>,
  leafOnly: ReadonlySet<NodeId>,
): boolean {
  if (group.get(a) === group.get(b)) return false
  return [a, b].every((id) => !leafOnly.has(id) || !chosen.some((other) => other.a === id || other.b === id))
}

function merged(group: ReadonlyMap<NodeId, NodeId>, { a, b }: PlanLink): Map<NodeId, NodeId> {
  const [old, fresh] = [group.get(b), group.get(a) as NodeId]
  return new Map([...group].map(([id, of]) => [id, of === old ? fresh : of]))
}

export function priceOf(forest: readonly PlanLink[]): number {
  return forest.reduce((sum, { pricePerGb }) => sum + pricePerGb, 0)
}

/** The longest way within a forest in expected seconds for the reference payload, by walking from every node. */
export function diameterOf(forest: readonly PlanLink[]): number {
  const nodes = new Set(forest.flatMap(({ a, b }) => [a, b]))
  let longest = 0
  for (const node of nodes)
    for (const length of distancesFrom(node, forest).values()) longest = Math.max(longest, length)
  return longest
}

/** Along a forest; nodes that it does not join are missing. */
export function distancesFrom(
  start: NodeId,
  forest: readonly PlanLink[],
  lengthOf: (link: PlanLink) => number = (link) => secondsFor(link, referenceBytes),
): Map<NodeId, number> {
  const distances = new Map<NodeId, number>([[start, 0]])
  const open = [start]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const link of forest) {
      if (link.a !== node && link.b !== node) continue
      const next = link.a === node ? link.b : link.a
      if (distances.has(next)) continue
      distances.set(next, (distances.get(node) as number) + lengthOf(link))
      open.push(next)
    }
  }
  return distances
}

/** The participants of each tree, as text, to compare. */
export function componentsText(participants: readonly NodeId[], forest: readonly PlanLink[]): string {
  const trees = participants.map((id) => [...distancesFrom(id, forest).keys()].sort().join(' '))
  return [...new Set(trees)].sort().join(' | ')
}
