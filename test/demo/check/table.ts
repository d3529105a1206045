import { formatCount, formatMs } from '@spansync/common/cli/format'
import { paintNode } from '../live/lines.ts'
import type { Terminal } from '../terminal.ts'
import type { Step } from './step.ts'

export interface StepResult {
  readonly paths: number
  readonly ms: number
}

/** One row per step, printed as soon as it is known. */
export class StepTable {
  readonly #terminal: Terminal
  readonly #width: number

  constructor(terminal: Terminal, steps: readonly Step[]) {
    this.#terminal = terminal
    this.#width = Math.max(...steps.map(({ name }) => name.length))
  }

  head(): void {
    const { paint, print } = this.#terminal
    print(paint('dim', `  ${'STEP'.padEnd(this.#width)}  ${'BY'.padEnd(8)}${'PATHS'.padStart(5)}  EQUAL AFTER`))
  }

  passed({ name, by }: Step, { paths, ms }: StepResult): void {
    const { paint, print } = this.#terminal
    const numbers = `${formatCount(paths).padStart(5)}  ${formatMs(ms).padStart(11)}`
    print(`${paint('green', '✓')} ${name.padEnd(this.#width)}  ${paintNode(paint, by, 8)}${numbers}`)
  }

  failed({ name, by }: Step): void {
    const { paint, print } = this.#terminal
    print(`${paint('red', '✗')} ${name.padEnd(this.#width)}  ${paintNode(paint, by, 8)}${paint('red', 'FAILED')}`)
  }

  note(text: string): void {
    this.#terminal.print(`${this.#terminal.paint('green', '✓')} ${text}`)
  }
}
