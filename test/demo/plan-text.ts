import { formatMs, printable } from '@spansync/common/cli/format'
import type { FolderPlan, Overview, PlanEdge } from '@spansync/common/protocol/overview'

/** Who coordinates, and along which links every folder passes. */
export function planLines({ coordinator, mode, plans }: Overview): string[] {
  const who = `${printable(coordinator)} coordinates`
  const how =
    mode === 'centralised'
      ? `${who}: it orders who syncs with whom. Its plan:`
      : `${who}, in mode decentralised: all sync directly. Its plan would be:`
  return [how, ...plans.flatMap(linesOf)]
}

function linesOf({ folder, edges, unused, predictedSecondsPerEdit, predictedSecondsPerGb }: FolderPlan): string[] {
  const [edit, gigabyte] = [predictedSecondsPerEdit, predictedSecondsPerGb].map((seconds) => formatMs(seconds * 1000))
  return [
    `  ${printable(folder)}: ${edges.map(edgeText).join(', ')}${unused.length === 0 ? '' : `; not used: ${unused.map(edgeText).join(', ')}`}`,
    `  foretold until all have it: an edit ${edit}, 1 GB ${gigabyte}`,
  ]
}

function edgeText({ a, b, rttMs }: PlanEdge): string {
  return `${printable(a)} — ${printable(b)} (${formatMs(rttMs)})`
}
