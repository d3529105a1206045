import { formatMs } from '@spansync/common/cli/format'
import type { Paint, Style } from '@spansync/common/cli/table'
import type { Item } from './items.ts'

const nodeStyles: Readonly<Record<string, Style>> = { server: 'magenta', laptop: 'cyan', desktop: 'yellow' }
const nameWidth = 8

export function paintNode(paint: Paint, node: string, width = 0): string {
  return paint(nodeStyles[node] ?? 'bold', node.padEnd(width))
}

/** `laptop   hello.txt → server 41 ms → desktop 93 ms`; who does not have it yet comes last. */
export function renderItem({ text, changes }: Item, missing: readonly string[], paint: Paint): string {
  const [first] = changes
  const start = Math.min(...changes.map(({ at }) => at))
  const last = new Map<string, number>()
  for (const [node, at] of changes.flatMap(({ arrivals }) => [...arrivals])) {
    last.set(node, Math.max(at, last.get(node) ?? 0))
  }
  const here = [...last].filter(([node]) => !missing.includes(node)).sort(([, a], [, b]) => a - b)
  const parts = [
    ...here.map(([node, at]) => `${paintNode(paint, node)} ${paint('green', formatMs(at - start))}`),
    ...missing.map((node) => `${paintNode(paint, node)} ${paint('red', 'not yet')}`),
  ]
  const arrow = paint('dim', ' → ')
  return paintNode(paint, first?.origin ?? '', nameWidth) + [text, ...parts].join(arrow)
}
