import type { FolderPlan, Overview, PlanEdge } from '@spansync/common/protocol/overview'

/** One cluster per folder: solid lines are the plan, dashed grey ones the links that it leaves alone, boxes nodes that never relay. */
export function overviewToDot(overview: Overview): string {
  const leaves = new Set(overview.nodes.filter(({ leafOnly }) => leafOnly).map(({ name }) => name))
  const folders = overview.plans.map((plan, at) => cluster(plan, at, leaves))
  return [
    'graph spansync {',
    '  node [shape=ellipse, fontname="sans-serif"]',
    '  edge [fontname="sans-serif", fontsize=10]',
    ...folders.flat(),
    '}',
  ].join('\n')
}

function cluster(plan: FolderPlan, at: number, leaves: ReadonlySet<string>): string[] {
  const node = (name: string): string => quote(`${at} ${name}`)
  const line = (edge: PlanEdge, style: string): string =>
    `    ${node(edge.a)} -- ${node(edge.b)} [label=${quote(labelOf(edge))}, ${style}]`
  return [
    `  subgraph cluster_${at} {`,
    `    label=${quote(plan.folder)}`,
    ...plan.members.map((name) => `    ${node(name)} [label=${quote(name)}${leaves.has(name) ? ', shape=box' : ''}]`),
    ...plan.edges.map((edge) => line(edge, edge.busy ? 'style=solid, color=blue' : 'style=solid')),
    ...plan.unused.map((edge) => line(edge, 'style=dashed, color=grey, fontcolor=grey')),
    '  }',
  ]
}

function labelOf({ throughputBps, pricePerGb, capBytes }: PlanEdge): string {
  const rate = `${Number(((throughputBps * 8) / 1e6).toPrecision(3))} Mbit/s`
  const parts = [
    rate,
    ...(pricePerGb === 0 ? [] : [`${pricePerGb} per GB`]),
    ...(capBytes === 0 ? ['data cap used up'] : []),
  ]
  return parts.join(', ')
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\p{Cc}/gu, '?')}"`
}
