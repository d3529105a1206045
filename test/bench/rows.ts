import type { Values } from './cases.ts'
import type { Contender } from './contender.ts'
import type { Scale } from './scale.ts'

/** One line of the table. */
export interface Row {
  readonly id: string
  readonly label: string
  /** Shown as value / divisor with the unit. */
  readonly unit: string
  readonly divisor: number
  readonly digits: number
  /** At most; in the measured unit, before the divisor. Absent: only for information. */
  readonly target?: number
}

const seconds = { unit: 's', divisor: 1, digits: 1 } as const
const cpu = { unit: 's/min', divisor: 1, digits: 2 } as const
const ms = { unit: 'ms', divisor: 1, digits: 0 } as const
const kilobytes = { unit: 'KB', divisor: 1000, digits: 1 } as const
const times = { unit: '×', divisor: 1, digits: 3 } as const
const mebibytes = { unit: 'MB', divisor: 1024 * 1024, digits: 0 } as const

export function rowsFor(scale: Scale): Row[] {
  const mega = (bytes: number): string => `${bytes / 1e6} MB`
  const [line, pair] = [scale.lineFiles.toLocaleString('en'), scale.pairFiles.toLocaleString('en')]
  return [
    { id: 'first', label: `line: ${line} files of 2 KB written, everywhere`, ...seconds, target: 10 },
    { id: 'edit', label: `line: one line edited in ${line} files, everywhere`, ...ms, target: 300 },
    { id: 'editBytes', label: 'line: bytes for that edit, all links', ...kilobytes, target: 30_000 },
    { id: 'idleBytes', label: 'line: bytes in an idle minute, all links', ...kilobytes, target: 5000 },
    { id: 'idleCpu', label: 'line: CPU in an idle minute, busiest node', ...cpu, target: 0.1 },
    { id: 'zeros', label: `line: 3 × ${mega(scale.zeroBytes)} of zeros, bytes / lower bound`, ...times, target: 0.02 },
    { id: 'random', label: `line: ${mega(scale.randomBytes)} random, bytes / lower bound`, ...times, target: 1.07 },
    { id: 'sameOnLine', label: `line: ${mega(scale.ringBytes)} random, bytes / lower bound`, ...times },
    { id: 'ring', label: `ring: ${mega(scale.ringBytes)} random, bytes / lower bound`, ...times, target: 1.07 },
    // Four links instead of three, and nothing but keepalive on them.
    { id: 'ringAfter', label: 'ring: bytes in the minute after, all links', ...kilobytes, target: 6700 },
    { id: 'pairFirst', label: `pair: ${pair} files of 2 KB moved in, first sync`, ...seconds, target: 60 },
    { id: 'pairEdit', label: `pair: one line edited in ${pair} files`, ...ms, target: 400 },
    { id: 'pairRss', label: 'pair: idle memory, agent alone', ...mebibytes, target: 200 * 1024 * 1024 },
    { id: 'pairTreeRss', label: 'pair: idle memory, with children', ...mebibytes },
    { id: 'pairIdleCpu', label: 'pair: CPU in an idle minute, busier node', ...cpu },
  ]
}

export interface ResultRow extends Row {
  readonly values: Readonly<Partial<Record<Contender['id'], number>>>
  readonly reached: boolean | undefined
}

/** Rows that anything was measured for. `measured`: row ids that were tried. */
export function resultRows(
  scale: Scale,
  results: Readonly<Partial<Record<Contender['id'], Values>>>,
  tried: readonly string[],
): ResultRow[] {
  return rowsFor(scale)
    .filter(({ id }) => tried.includes(id))
    .map((row) => {
      const values: Partial<Record<Contender['id'], number>> = {}
      for (const [id, measured] of Object.entries(results) as [Contender['id'], Values][]) {
        const value = measured[row.id]
        if (value !== undefined) values[id] = value
      }
      const { target } = row
      const reached =
        target === undefined || results.spansync === undefined ? undefined : (values.spansync ?? Infinity) <= target
      return { ...row, values, reached }
    })
}

const show = ({ divisor, digits, unit }: Row, value: number): string => `${(value / divisor).toFixed(digits)} ${unit}`

export function renderTable(rows: readonly ResultRow[], contenders: readonly Contender[]): string {
  const others = contenders.filter(({ id }) => id !== 'spansync')
  const head = ['', 'measured', 'target', 'reached', ...others.map(({ title }) => title)]
  const body = rows.map((row) => {
    const cell = (id: Contender['id']): string => (row.values[id] === undefined ? '-' : show(row, row.values[id]))
    const reached = row.reached === undefined ? '' : row.reached ? 'yes' : 'no'
    return [
      row.label,
      cell('spansync'),
      row.target === undefined ? '' : show(row, row.target),
      reached,
      ...others.map(({ id }) => cell(id)),
    ]
  })
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...body.map(line)].join('\n')
}
