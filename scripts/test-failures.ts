import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { brokenFilesOf, readTestReport } from './test-report.ts'

/** Enough for the message, a short difference and where it was; the whole of it stands further up. */
const linesPerFailure = 15

export interface FailureSource {
  readonly project: string
  /** What the paths of test files are shown relative to. */
  readonly root: string
  /** Where vitest wrote its JSON report. */
  readonly report: string
  readonly succeeded: boolean
}

/** One text for every failure of a run of vitest, so that the end of a log tells what failed. */
export function failuresOf({ project, root, report: file, succeeded }: FailureSource): string[] {
  const report = readTestReport(file)
  if (!report) return succeeded ? [] : [`${project} tests: ended without a report, see above`]
  const place = (name: string) => `${project}: ${path.relative(root, name)}`
  const tests = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map((test) => describe(`${place(name)}: ${test.fullName}`, test.failureMessages?.join('\n') ?? '')),
  )
  const files = brokenFilesOf(report).map(({ name, message }) => describe(place(name), message))
  const failures = [...tests, ...files]
  return succeeded || failures.length > 0 ? failures : [`${project} tests: failed outside of tests, see above`]
}

function describe(title: string, message: string): string {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.includes('/node_modules/'))
  return [title, ...lines.slice(0, linesPerFailure).map((line) => `    ${line}`)].join('\n')
}
