import type { NodeId } from '../causal/types.ts'
import { pairKey } from './plan-forest.ts'
import type { Plan, PlanLink } from './types.ts'

/** What a drawing shows beside the plan: what people call the nodes (else the start of the id), the links that are there but not used,
 *  and the leaf-only nodes. */
export interface Drawing {
  readonly names?: ReadonlyMap<NodeId, string> | undefined
  readonly links?: readonly PlanLink[] | undefined
  readonly leafOnly?: ReadonlySet<NodeId> | undefined
}

/** The plan for Graphviz: edges in use solid, with price and throughput; links not in use dashed and grey; leaf-only nodes boxed.
 *  Nodes are keyed by id, so that two of one name stay two. */
export function planToDot(plan: Plan, drawing: Drawing = {}): string {
  const { names, links = [], leafOnly } = drawing
  const inUse = new Set(plan.edges.map(({ a, b }) => pairKey(a, b)))
  const idle = new Map(links.map((link) => [pairKey(link.a, link.b), link]))
  const known = new Set(plan.components.flat())
  const lines = [...known].sort().map((id) => {
    const shape = leafOnly?.has(id) ? ', shape=box' : ''
    return `  ${quoted(id)} [label=${quoted(names?.get(id) ?? id.slice(0, 8))}${shape}];`
  })
  for (const edge of plan.edges) lines.push(`  ${ends(edge.a, edge.b)} [label=${quoted(label(edge))}];`)
  for (const key of [...idle.keys()].sort()) {
    const [a, b] = key.split(' ') as [NodeId, NodeId]
    if (!inUse.has(key) && known.has(a) && known.has(b)) lines.push(`  ${ends(a, b)} [style=dashed, color=grey];`)
  }
  return `graph plan {\n  node [shape=ellipse];\n${lines.join('\n')}\n}\n`
}

function ends(a: NodeId, b: NodeId): string {
  return `${quoted(a)} -- ${quoted(b)}`
}

function label({ pricePerGb, throughputBps }: PlanLink): string {
  const speed = bitsPerSecond(throughputBps)
  return pricePerGb > 0 ? `${shortNumber(pricePerGb)} per GB, ${speed}` : `free, ${speed}`
}

/** In bits, as people speak of links. */
function bitsPerSecond(throughputBps: number): string {
  const bits = throughputBps * 8
  for (const [unit, size] of [
    ['Gbit/s', 1e9],
    ['Mbit/s', 1e6],
    ['kbit/s', 1e3],
  ] as const) {
    if (bits >= size) return `${shortNumber(bits / size)} ${unit}`
  }
  return `${shortNumber(bits)} bit/s`
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
