import { isSame } from '@spansync/common/core/agent/scope'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { type NodeFacts, pairKey } from '@spansync/common/core/coordinator/facts'
import { linksOf } from '@spansync/common/core/coordinator/plans'
import type { CoordinatorState, FolderState } from '@spansync/common/core/coordinator/state'
import { makePlan } from '@spansync/common/core/plan/plan'
import { costPerGb, predictSeconds } from '@spansync/common/core/plan/predict'
import type { PlanLink } from '@spansync/common/core/plan/types'
import type { FolderPlan, Overview, PlanEdge } from '@spansync/common/protocol/overview'
import type { NodeRecord } from '../store/records.ts'
import { version } from '../version.ts'
import type { Counters } from './counters.ts'

export interface OverviewFacts {
  readonly name: string
  readonly now: number
  readonly uptimeMs: number
  readonly refused: number
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>
  readonly counters: Counters
  /** What if; undefined: as things are. */
  readonly objective: number | undefined
}

/** Everything that a person may want to know of the network. */
export function overviewOf(state: CoordinatorState, facts: OverviewFacts): Overview {
  const { name, uptimeMs, refused, counters, objective = state.settings.objective } = facts
  const orders = [...state.folders.values()].flatMap((folder) => [...folder.orders.values()])
  return {
    coordinator: name,
    version,
    epoch: state.epoch,
    uptimeMs,
    mode: state.settings.mode,
    objective,
    nodes: nodesOf(state, facts),
    plans: [...state.folders.keys()].sort().map((folder) => planOf(state, folder, facts)),
    orders: {
      inFlight: orders.filter(({ phase }) => phase === 'in_flight').length,
      resting: orders.filter(({ phase }) => phase === 'resting').length,
      sent: counters.sent,
      failed: counters.failed,
    },
    messages: { states: counters.states, refused, reports: counters.reports },
  }
}

function nodesOf(state: CoordinatorState, { nodes, now }: OverviewFacts): Overview['nodes'] {
  const ids = [...new Set([...nodes.keys(), ...state.nodes.keys()])]
  const all = ids.map((id) => {
    const facts = state.nodes.get(id)
    return {
      id,
      name: nodes.get(id)?.name ?? facts?.name ?? id.slice(0, 8),
      registered: nodes.has(id),
      ...(facts && { silentMs: Math.max(0, now - facts.heardAt), mode: facts.mode }),
      leafOnly: state.settings.leafOnly.has(id),
      replicas: facts ? replicasOf(state, facts) : [],
    }
  })
  return all.sort((left, right) => (left.name < right.name ? -1 : 1))
}

function replicasOf(state: CoordinatorState, { id, replicas }: NodeFacts): Overview['nodes'][number]['replicas'] {
  return [...replicas.values()].map((replica) => {
    const neighbours = state.folders.get(replica.folder)?.neighbours.get(id) ?? []
    const upToDate = neighbours.every((peer) => {
      const other = state.nodes.get(peer)?.replicas.get(replica.folder)
      const [own, theirs] = [replica.digest, other?.digest]
      return (
        own !== undefined &&
        theirs !== undefined &&
        isSame({ ...replica, digest: own }, { ...(other as typeof replica), digest: theirs })
      )
    })
    return { folder: replica.folder, state: replica.state, files: replica.files, bytes: replica.bytes, upToDate }
  })
}

const gigabyte = 1e9
const smallEdit = 4096

function planOf(state: CoordinatorState, id: FolderId, facts: OverviewFacts): FolderPlan {
  const folder = state.folders.get(id) as FolderState
  const links = linksOf({ state, at: facts.now }, id)
  const request = { participants: [...folder.members].sort(), leafOnly: state.settings.leafOnly, links }
  const isAsked = facts.objective !== undefined && facts.objective !== state.settings.objective
  const kept = isAsked ? undefined : folder.plan
  const plan = kept ?? makePlan({ ...request, objective: facts.objective ?? state.settings.objective })
  const used = new Set(plan.edges.map(({ a, b }) => pairKey(a, b)))
  const nameOf = (node: NodeId): string => state.nodes.get(node)?.name ?? node.slice(0, 8)
  const toEdge = (link: PlanLink): PlanEdge => ({
    a: nameOf(link.a),
    b: nameOf(link.b),
    rttMs: link.rttMs,
    throughputBps: link.throughputBps,
    pricePerGb: link.pricePerGb,
    availability: Math.min(1, Math.max(0, link.availability)),
    ...(link.capBytes === undefined ? {} : { capBytes: link.capBytes }),
    busy: folder.orders.get(pairKey(link.a, link.b))?.phase === 'in_flight',
  })
  const now = new Map(links.map((link) => [pairKey(link.a, link.b), link]))
  return {
    folder: id,
    members: [...folder.members].map(nameOf).sort(),
    edges: plan.edges.map((edge) => toEdge(now.get(pairKey(edge.a, edge.b)) ?? edge)),
    unused: links.filter(({ a, b }) => !used.has(pairKey(a, b))).map(toEdge),
    components: plan.components.map((nodes) => nodes.map(nameOf).sort()),
    heldApart: plan.heldApart.map(nameOf).sort(),
    costPerGb: costPerGb(plan, links),
    predictedSecondsPerGb: predictSeconds(plan, { bytes: gigabyte, links }),
    predictedSecondsPerEdit: predictSeconds(plan, { bytes: smallEdit, links }),
  }
}
