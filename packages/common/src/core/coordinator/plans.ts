import type { FolderId, NodeId } from '../causal/types.ts'
import { makePlan } from '../plan/plan.ts'
import type { Plan, PlanLink, PlanRequest } from '../plan/types.ts'
import { type Draft, editFolder, folderOf, replicaOf, wakeAt } from './draft.ts'
import { pairKey } from './facts.ts'
import { toPlanLink } from './links.ts'
import { review, reviewNode } from './orders.ts'
import { bounds, type FolderState } from './state.ts'

/** Plans anew what has changed. In a large folder changes are gathered for a moment: when a hundred nodes come up together, one new
 *  plan serves them all. */
export function replan(draft: Draft): void {
  for (const [folder, { staleSince }] of draft.state.folders) {
    if (staleSince !== undefined) draft.stale.add(folder)
  }
  for (const folder of draft.stale) {
    const { members, staleSince = draft.at } = folderOf(draft, folder)
    const dueAt = staleSince + (members.size > bounds.promptMembers ? bounds.replanPauseMs : 0)
    if (draft.at >= dueAt) planNow(draft, folder)
    else {
      editFolder(draft, folder, { staleSince })
      wakeAt(draft, dueAt)
    }
  }
}

function planNow(draft: Draft, folder: FolderId): void {
  const { members, plan: previous } = folderOf(draft, folder)
  if (members.size === 0) return
  const { objective, leafOnly } = draft.state.settings
  const participants = [...members].sort()
  const request = { participants, objective, ...(previous && { previous }) }
  const links = linksOf(draft, folder)
  const isNarrow = narrowIn(draft, folder)
  const plan = withFilters(draft, folder, (filtered) =>
    overWideLinks(links, isNarrow, { ...request, leafOnly: union(leafOnly, filtered) }),
  )
  const before = folderOf(draft, folder).neighbours
  const neighbours = neighboursIn(plan)
  editFolder(draft, folder, { plan, neighbours, staleSince: undefined })
  for (const to of new Set([...before.keys(), ...neighbours.keys()])) {
    const [old, now] = [before.get(to) ?? [], neighbours.get(to) ?? []]
    if (old.join() !== now.join()) draft.effects.push({ kind: 'tell_neighbours', to, folder, neighbours: now })
  }
  for (const { ends } of folderOf(draft, folder).orders.values()) review(draft, folder, ...ends)
  if (previous && sameEdges(previous, plan)) return
  draft.effects.push({ kind: 'plan_changed', folder })
  for (const node of plan.edges.flatMap(({ a, b }) => [a, b])) reviewNode(draft, folder, node)
}

/** A node that ignores what others do not must not relay: what it ignores would not reach who is behind it. Unless that cuts somebody
 *  off: better partly than not at all. */
function withFilters(draft: Draft, folder: FolderId, plan: (filtered: ReadonlySet<NodeId>) => Plan): Plan {
  const { members } = folderOf(draft, folder)
  const scopeOf = (node: NodeId): string => replicaOf(draft, folder, node)?.scope ?? ''
  const scopes = new Set([...members].map(scopeOf))
  const filtered = new Set(scopes.size < 2 ? [] : [...members].filter((node) => scopeOf(node) !== ''))
  const made = plan(filtered)
  return filtered.size > 0 && made.heldApart.some((node) => filtered.has(node)) ? plan(new Set()) : made
}

/** Whether policy at one of a link's ends holds something back from it. */
function narrowIn(draft: Draft, folder: FolderId): (link: PlanLink) => boolean {
  const isNarrowAt = (from: NodeId, to: NodeId): boolean =>
    replicaOf(draft, folder, from)?.narrow?.includes(to) === true
  return ({ a, b }) => isNarrowAt(a, b) || isNarrowAt(b, a)
}

/** A link that lets only some files pass joins what nothing else does, the cheapest of them first: better partly than not at all. */
function overWideLinks(
  links: readonly PlanLink[],
  isNarrow: (link: PlanLink) => boolean,
  request: Omit<PlanRequest, 'links'>,
): Plan {
  const made = makePlan({ ...request, links: links.filter((link) => !isNarrow(link)) })
  const narrow = links.filter(isNarrow)
  if (narrow.length === 0 || made.components.length === 1) return made
  // Dearer than all that the plan has already, so that only what is missing is taken of them.
  const most = Math.max(0, ...made.edges.map(({ pricePerGb }) => pricePerGb))
  const last = narrow.map((link) => ({ ...link, pricePerGb: most + 1 + link.pricePerGb }))
  const joined = makePlan({ ...request, objective: 0, links: [...made.edges, ...last] })
  const priceOf = new Map(links.map(({ a, b, pricePerGb }) => [pairKey(a, b), pricePerGb]))
  const asItIs = (edge: PlanLink): PlanLink => ({ ...edge, pricePerGb: priceOf.get(pairKey(edge.a, edge.b)) as number })
  const apart = new Set([...joined.heldApart, ...made.heldApart.filter((node) => reachesOut(joined, node, links))])
  return { ...joined, edges: joined.edges.map(asItIs), heldApart: [...apart].sort() }
}

function reachesOut({ components }: Plan, node: NodeId, links: readonly PlanLink[]): boolean {
  const own = components.find((nodes) => nodes.includes(node)) ?? []
  return links.some(({ a, b }) => (a === node && !own.includes(b)) || (b === node && !own.includes(a)))
}

function union(left: ReadonlySet<NodeId>, right: ReadonlySet<NodeId>): ReadonlySet<NodeId> {
  return right.size === 0 ? left : new Set([...left, ...right])
}

/** Links over which the folder can pass now: both ends are joined for it. */
export function linksOf(draft: Pick<Draft, 'state' | 'at'>, folder: FolderId): PlanLink[] {
  const links: PlanLink[] = []
  const { members } = draft.state.folders.get(folder) as FolderState
  for (const node of members) {
    for (const peer of replicaOf(draft as Draft, folder, node)?.peers ?? []) {
      if (node >= peer || !replicaOf(draft as Draft, folder, peer)?.peers.includes(node)) continue
      const record = draft.state.links.get(pairKey(node, peer))
      if (record?.up) links.push(toPlanLink(record, draft.at))
    }
  }
  return links
}

function neighboursIn({ edges }: Plan): Map<NodeId, readonly NodeId[]> {
  const found = new Map<NodeId, NodeId[]>()
  const add = (from: NodeId, to: NodeId): void => {
    const known = found.get(from)
    if (known) known.push(to)
    else found.set(from, [to])
  }
  for (const { a, b } of edges) {
    add(a, b)
    add(b, a)
  }
  return found
}

function sameEdges(left: Plan, right: Plan): boolean {
  if (left.edges.length !== right.edges.length) return false
  return left.edges.every(({ a, b }, at) => right.edges[at]?.a === a && right.edges[at]?.b === b)
}

/** All folders: the objective, or who may relay, is another one now. */
export function staleAll(draft: Draft): void {
  for (const folder of draft.state.folders.keys()) draft.stale.add(folder)
}
