import { existsSync, readFileSync } from 'node:fs'

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

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly TestResult[] }[]
}

interface TestResult {
  readonly status: string
  readonly fullName: string
}

/** What a run of vitest that wrote its JSON report to `file` amounts to. A run can fail without any failed test: a file
 *  that does not load, an error outside of tests, a run that was stopped. Each such failure counts as one. */
export function countsOf(file: string, succeeded: boolean): Counts {
  const report = read(file)
  if (!report) return { ...nothing, failed: succeeded ? 0 : 1 }
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const failed = report.numFailedTests + brokenFiles.length
  return {
    passed: report.numPassedTests,
    failed: succeeded ? failed : Math.max(failed, 1),
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** Every reason once that suites give for being skipped: the words in a name that ends with `(skipped: words)`. */
export function skipReasonsOf(file: string): string[] {
  const tests = read(file)?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
  return [...new Set(tests.flatMap(({ fullName }) => /\(skipped: (.*?)\)( |$)/.exec(fullName)?.[1] ?? []))]
}

function read(file: string): Report | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

/** The line that whoever runs the tests reads; its form is a contract. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Checks alone prove little: a run in which no test passed is a failure too. */
export function exitCodeOf({ checks, tests }: { readonly checks: Counts; readonly tests: Counts }): number {
  return checks.failed + tests.failed > 0 || tests.passed === 0 ? 1 : 0
}
