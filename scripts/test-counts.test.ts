import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { addCounts, closingLine, countsOf, durationLine, exitCodeOf, nothing, skipReasonsOf } from './test-counts.ts'
import { failuresOf } from './test-failures.ts'

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const projects = mkdtempSync(path.join(tmpdir(), 'spansync-counts-'))
afterAll(() => rmSync(projects, { recursive: true, force: true }))

const passing = `test('passes', () => {})\n`
const failing = `test('fails', () => { throw new Error('as it should') })\n`

/** What is read from a real vitest run over the given test files. */
function run(name: string, files: Record<string, string>) {
  const project = path.join(projects, name)
  mkdirSync(project)
  symlinkSync(modules, path.join(project, 'node_modules'))
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(project, file), text)
  const vitest = path.join(modules, 'vitest/vitest.mjs')
  const reporters = ['--reporter=json', '--outputFile.json=report.json']
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--globals', ...reporters], { cwd: project })
  const report = path.join(project, 'report.json')
  const failures = failuresOf({ project: 'unit', root: project, report, succeeded: status === 0 })
  return { counts: countsOf(report, status === 0), skipReasons: skipReasonsOf(report), failures }
}

test.each([
  {
    name: 'passed-failed-skipped',
    files: { 'a.test.js': passing + failing, 'b.test.js': `${passing}test.skip('skipped')\ntest.todo('todo')\n` },
    expected: { passed: 2, failed: 1, skipped: 2 },
    failures: [/^unit: a\.test\.js: fails\n {4}Error: as it should\n {4}.*a\.test\.js:2:\d+/],
  },
  {
    name: 'a-file-that-does-not-load',
    files: { 'a.test.js': passing, 'b.test.js': `import './missing.js'\n${passing}` },
    expected: { passed: 1, failed: 1, skipped: 0 },
    failures: [/^unit: b\.test\.js\n {4}.*missing\.js/],
  },
  {
    name: 'an-error-outside-of-tests',
    files: { 'a.test.js': `${passing}void Promise.reject(new Error('as it should'))\n` },
    expected: { passed: 1, failed: 1, skipped: 0 },
    failures: [/^unit tests: failed outside of tests/],
  },
  {
    name: 'a-long-failure',
    files: {
      'a.test.js': `describe('lines', () => { test('many', () => { throw new Error('line\\n'.repeat(99)) }) })\n`,
      'b.test.js': passing,
    },
    expected: { passed: 1, failed: 1, skipped: 0 },
    failures: [/^unit: a\.test\.js: lines many\n {4}Error: line(\n {4}line){14}$/],
  },
])('$name', ({ name, files, expected, failures }) => {
  const seen = run(name, files)
  expect(seen.counts).toEqual(expected)
  expect(seen.failures).toEqual(failures.map((pattern) => expect.stringMatching(pattern)))
})

test('suites that name the reason for being skipped are heard, once', () => {
  const lab = (name: string) =>
    `describe.skip('${name} (skipped: there is no network (yet))', () => { ${passing}${failing} })\n`
  const { counts, skipReasons, failures } = run('skipped-suites', {
    'a.test.js': passing + lab('line'),
    'b.test.js': lab('ring'),
  })
  expect(counts).toEqual({ passed: 1, failed: 0, skipped: 4 })
  expect(skipReasons).toEqual(['there is no network (yet)'])
  expect(failures).toEqual([])
})

test('a run that leaves no report has failed', () => {
  const report = path.join(projects, 'none.json')
  expect(countsOf(report, false)).toEqual({ ...nothing, failed: 1 })
  const failures = failuresOf({ project: 'lab', root: projects, report, succeeded: false })
  expect(failures).toEqual(['lab tests: ended without a report, see above'])
})

test('the closing line names skipped tests only where there are some', () => {
  const sum = addCounts([
    { passed: 3, failed: 0, skipped: 0 },
    { passed: 4, failed: 1, skipped: 0 },
  ])
  expect(closingLine(sum)).toBe('7 passed, 1 failed')
  expect(closingLine({ ...sum, skipped: 2 })).toBe('7 passed, 1 failed, 2 skipped')
})

test.each([
  [400, 'unit tests: 0 s'],
  [99_400, 'unit tests: 99 s'],
  [119_600, 'unit tests: 2 min 0 s'],
  [961_000, 'unit tests: 16 min 1 s'],
])('%i ms are told as "%s"', (ms, line) => {
  expect(durationLine('unit tests', ms)).toBe(line)
})

test.each([
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, passed: 9 }, code: 0 },
  { checks: { ...nothing, failed: 1 }, tests: { ...nothing, passed: 9 }, code: 1 },
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, passed: 9, failed: 1 }, code: 1 },
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, skipped: 9 }, code: 1 },
])('checks $checks and tests $tests exit with $code', ({ code, ...counts }) => {
  expect(exitCodeOf(counts)).toBe(code)
})
