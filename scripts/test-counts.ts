import { brokenFilesOf, readTestReport } from './test-report.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }

export function addCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    nothing,
  )
}

/** What a run of vitest that wrote its JSON report to `file` amounts to. A run can fail without any failed test: a file
 *  that does not load, an error outside of tests, a run that was stopped. Each such failure counts as one. */
export function countsOf(file: string, succeeded: boolean): Counts {
  const report = readTestReport(file)
  if (!report) return { ...nothing, failed: succeeded ? 0 : 1 }
  const failed = report.numFailedTests + brokenFilesOf(report).length
  return {
    passed: report.numPassedTests,
    failed: succeeded ? failed : Math.max(failed, 1),
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** Every reason once that suites give for being skipped: the words in a name that ends with `(skipped: words)`. */
export function skipReasonsOf(file: string): string[] {
  const tests = readTestReport(file)?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
  return [...new Set(tests.flatMap(({ fullName }) => /\(skipped: (.*?)\)( |$)/.exec(fullName)?.[1] ?? []))]
}

/** The line that whoever runs the tests reads; its form is a contract. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Checks alone prove little: a run in which no test passed is a failure too. */
export function exitCodeOf({ checks, tests }: { readonly checks: Counts; readonly tests: Counts }): number {
  return checks.failed + tests.failed > 0 || tests.passed === 0 ? 1 : 0
}

/** The line that tells how long a stage of the tests took. */
export function durationLine(name: string, ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${name}: ${seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`}`
}
