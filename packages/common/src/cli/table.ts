import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Colours, or the text as it is. */
export function painter(color: boolean): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

export interface Cell {
  readonly text: string
  readonly style?: Style
}

/** A row of cells, or a line that belongs under the row before it. */
export type Line = readonly (Cell | string)[] | string

/** Columns as wide as their widest cell, two blanks between them, no blanks at the end of a line. */
export function renderTable(columns: readonly Column[], lines: readonly Line[], paint: Paint): string[] {
  const rows = lines.filter((line) => typeof line !== 'string')
  const widths = columns.map(({ title }, i) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(textOf(row[i]))), displayWidth(title)),
  )
  const row = (cells: readonly (Cell | string)[]): string =>
    columns
      .map(({ align }, i) => {
        const text = textOf(cells[i])
        const last = i === columns.length - 1
        const blanks = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(text)))
        const cell = cells[i]
        const shown = typeof cell === 'object' && cell.style !== undefined ? paint(cell.style, text) : text
        if (align === 'right') return blanks + shown
        return last ? shown : shown + blanks
      })
      .join('  ')
      .trimEnd()
  const head = row(columns.map(({ title }) => ({ text: title, style: 'dim' as const })))
  return [head, ...lines.map((line) => (typeof line === 'string' ? line : row(line)))]
}

function textOf(cell: Cell | string | undefined): string {
  return typeof cell === 'object' ? cell.text : (cell ?? '')
}

const segmenter = new Intl.Segmenter()
const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** Cells of a terminal that a text takes: two for East Asian letters and emoji. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}
