/** One line of a table of measured values. */
export interface Figure {
  readonly label: string
  /** Undefined: could not be measured. */
  readonly value: number | undefined
  readonly unit: string
  readonly digits?: number
  /** At most. Absent: only for information. */
  readonly target?: number
}

export function isMissed({ value, target }: Figure): boolean {
  return target !== undefined && !(value !== undefined && value <= target)
}

export function missed(figures: readonly Figure[]): Figure[] {
  return figures.filter(isMissed)
}

export function figuresTable(figures: readonly Figure[]): string {
  const show = ({ unit, digits = 1 }: Figure, value: number | undefined): string =>
    value === undefined ? '-' : `${value.toFixed(digits)} ${unit}`.trimEnd()
  const rows = figures.map((figure) => [
    figure.label,
    show(figure, figure.value),
    figure.target === undefined ? '' : show(figure, figure.target),
    figure.target === undefined ? '' : isMissed(figure) ? 'no' : 'yes',
  ])
  const head = ['', 'measured', 'target', 'reached']
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
