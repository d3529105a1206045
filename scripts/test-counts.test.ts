import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { addCounts, closingLine, countsOf, exitCodeOf, nothing, skipReasonsOf } from './test-counts.ts'

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
  return { counts: countsOf(report, status === 0), skipReasons: skipReasonsOf(report) }
}

test.each([
  {
    name: 'passed-failed-skipped',
    files: { 'a.test.js': passing + failing, 'b.test.js': `${passing}test.skip('skipped')\ntest.todo('todo')\n` },
    expected: { passed: 2, failed: 1, skipped: 2 },
  },
  {
    name: 'a-file-that-does-not-load',
    files: { 'a.test.js': passing, 'b.test.js': `import './missing.js'\n${passing}` },
    expected: { passed: 1, failed: 1, skipped: 0 },
  },
  {
    name: 'an-error-outside-of-tests',
    files: { 'a.test.js': `${passing}void Promise.reject(new Error('as it should'))\n` },
    expected: { passed: 1, failed: 1, skipped: 0 },
  },
])('$name', ({ name, files, expected }) => {
  expect(run(name, files).counts).toEqual(expected)
})

test('suites that name the reason for being skipped are heard, once', () => {
  const lab = (name: string) =>
    `describe.skip('${name} (skipped: there is no network (yet))', () => { ${passing}${failing} })\n`
  const { counts, skipReasons } = run('skipped-suites', {
    'a.test.js': passing + lab('line'),
    'b.test.js': lab('ring'),
  })
  expect(counts).toEqual({ passed: 1, failed: 0, skipped: 4 })
  expect(skipReasons).toEqual(['there is no network (yet)'])
})

test('a run that leaves no report has failed', () => {
  expect(countsOf(path.join(projects, 'none.json'), false)).toEqual({ ...nothing, failed: 1 })
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
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, passed: 9 }, code: 0 },
  { checks: { ...nothing, failed: 1 }, tests: { ...nothing, passed: 9 }, code: 1 },
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, passed: 9, failed: 1 }, code: 1 },
  { checks: { ...nothing, passed: 3 }, tests: { ...nothing, skipped: 9 }, code: 1 },
])('checks $checks and tests $tests exit with $code', ({ code, ...counts }) => {
  expect(exitCodeOf(counts)).toBe(code)
})
