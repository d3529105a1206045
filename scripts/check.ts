import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findForbiddenImports } from './import-table.ts'
import {
  addCounts,
  type Counts,
  closingLine,
  countsOf,
  durationLine,
  exitCodeOf,
  nothing,
  skipReasonsOf,
} from './test-counts.ts'
import { failuresOf } from './test-failures.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The promise is 15 minutes for everything on two quiet cores. A busy machine gets its time, but not for ever. */
const deadline = AbortSignal.timeout(40 * 60_000)

const bin = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'node_modules/vitest/vitest.mjs',
}

/** What a stage of the run came to. */
interface Stage {
  readonly name: string
  readonly counts: Counts
  readonly failures: readonly string[]
  readonly durationMs: number
}

/** Every check and test, each with a headline; the names in `filters` narrow the tests down, as vitest's do. */
async function main(filters: readonly string[]): Promise<number> {
  const checks = [
    await check('format and lint', () => runNode([bin.biome, 'check'])),
    await check('types and build', () => runNode([bin.tsc, '-b'])),
    await check('import table', checkImportTable),
  ]
  const tests = [await runTests('unit', filters), await runTests('e2e', filters), await runTests('lab', filters)]
  summarise([...checks, ...tests])
  const counts = { checks: sumOf(checks), tests: sumOf(tests) }
  console.log(closingLine(addCounts([counts.checks, counts.tests])))
  return exitCodeOf(counts)
}

const sumOf = (stages: readonly Stage[]) => addCounts(stages.map(({ counts }) => counts))

/** Comes last, because often only the end of a log is kept. */
function summarise(stages: readonly Stage[]): void {
  console.log('\n== durations')
  for (const { name, durationMs } of stages) console.log(durationLine(name, durationMs))
  const failures = stages.flatMap((stage) => stage.failures)
  if (failures.length > 0) console.log(`\n== failures\n${failures.join('\n\n')}`)
  if (deadline.aborted) console.log('\nStopped: the time limit of the tests is over.')
  console.log()
}

async function stage(name: string, run: () => Promise<Omit<Stage, 'name' | 'durationMs'>>): Promise<Stage> {
  console.log(`\n== ${name}`)
  const start = performance.now()
  return { name, ...(await run()), durationMs: performance.now() - start }
}

function check(name: string, run: () => boolean | Promise<boolean>): Promise<Stage> {
  return stage(name, async () => {
    const passed = await run()
    console.log(passed ? `${name}: passed` : `${name}: FAILED`)
    return passed
      ? { counts: { ...nothing, passed: 1 }, failures: [] }
      : { counts: { ...nothing, failed: 1 }, failures: [`${name}: FAILED, see above`] }
  })
}

function checkImportTable(): boolean {
  const paths = globSync('packages/*/src/**/*.ts', { cwd: root }).map((file) => file.replaceAll(path.sep, '/'))
  const files = paths.sort().map((file) => ({ path: file, text: readFileSync(path.join(root, file), 'utf8') }))
  const forbidden = findForbiddenImports(files)
  for (const line of forbidden) console.log(line)
  return forbidden.length === 0
}

function runTests(project: string, filters: readonly string[]): Promise<Stage> {
  return stage(`${project} tests`, async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'spansync-tests-'))
    const report = path.join(directory, 'report.json')
    try {
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const args = [bin.vitest, 'run', '--project', project, '--passWithNoTests', ...reporters, ...filters]
      const succeeded = await runNode(args)
      for (const reason of skipReasonsOf(report)) console.log(`${project} tests SKIPPED: ${reason}`)
      return { counts: countsOf(report, succeeded), failures: failuresOf({ project, root, report, succeeded }) }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

function runNode(args: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
    const stop = () => child.kill()
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    child.on('error', reject)
    child.on('close', (code) => {
      deadline.removeEventListener('abort', stop)
      resolve(code === 0)
    })
  })
}

process.exitCode = await main(process.argv.slice(2))
