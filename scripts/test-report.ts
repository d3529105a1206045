import { existsSync, readFileSync } from 'node:fs'

/** The part of vitest's JSON report that is read here. */
export interface TestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly FileResult[]
}

export interface FileResult {
  /** Absolute path of the test file. */
  readonly name: string
  readonly status: string
  /** Why the file did not load. */
  readonly message: string
  readonly assertionResults: readonly TestResult[]
}

export interface TestResult {
  readonly status: string
  readonly fullName: string
  readonly failureMessages: readonly string[] | null
}

/** The report that vitest wrote, or none when it was stopped before it could. */
export function readTestReport(file: string): TestReport | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestReport) : undefined
}

/** Such a file failed without any of its tests: it did not load, or a hook failed. */
export function brokenFilesOf(report: TestReport): FileResult[] {
  return report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
}
