import type { Outcome } from './history.ts'
import { type ActName, actNames, type FaultName, faultNames } from './steps.ts'
import { Tally } from './tally.ts'

/** What histories came to, for a table. */
export class Summary {
  readonly failed: { readonly seed: number; readonly violations: readonly string[] }[] = []
  private readonly tally = new Tally()
  private leastOperations = Number.POSITIVE_INFINITY
  private histories = 0
  private totalMs = 0
  private settleMs = 0

  add(seed: number, { violations, tally, totalMs, settleMs }: Outcome): void {
    this.histories += 1
    this.totalMs += totalMs
    this.settleMs += settleMs
    this.leastOperations = Math.min(this.leastOperations, sum(tally, actNames))
    this.tally.include(tally)
    if (violations.length > 0) this.failed.push({ seed, violations })
  }

  /** As Markdown. */
  text(elapsedMs: number): string {
    const operations = sum(this.tally, actNames)
    const mean = (ms: number): string => (ms / 1000 / Math.max(1, this.histories)).toFixed(1)
    return [
      `${this.histories} histories in ${(elapsedMs / 60_000).toFixed(1)} minutes, ${operations} operations (at least ${this.leastOperations} in each), ` +
        `${sum(this.tally, faultNames)} faults, ${this.failed.length} histories with violations; ` +
        `${mean(this.totalMs)} s each, of which ${mean(this.settleMs)} s until all agreed.`,
      '',
      ...this.table('fault', faultNames),
      '',
      ...this.table('operation', actNames),
      ...this.failed.flatMap(({ seed, violations }) => ['', `seed ${seed}:`, ...violations.map((line) => `  ${line}`)]),
    ].join('\n')
  }

  private table(title: string, names: readonly (ActName | FaultName)[]): string[] {
    return [`| ${title} | times |`, '|---|--:|', ...names.map((name) => `| ${name} | ${this.tally.of(name)} |`)]
  }
}

const sum = (tally: Tally, names: readonly (ActName | FaultName)[]): number =>
  names.reduce((total, name) => total + tally.of(name), 0)
