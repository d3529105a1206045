import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findForbiddenImports } from './import-table.ts'
import { addCounts, type Counts, closingLine, countsOf, exitCodeOf, nothing, skipReasonsOf } from './test-counts.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The promise is 15 minutes for everything on two quiet cores. A busy machine gets its time, but not for ever. */
const deadline = AbortSignal.timeout(40 * 60_000)

const bin = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'node_modules/vitest/vitest.mjs',
}

/** Every check and test, each with a headline; the names in `filters` narrow the tests down, as vitest's do. */
async function main(filters: readonly string[]): Promise<number> {
  const checks = [
    await check('format and lint', () => runNode([bin.biome, 'check'])),
    await check('types and build', () => runNode([bin.tsc, '-b'])),
    await check('import table', checkImportTable),
  ]
  const tests = [await runTests('unit', filters), await runTests('e2e', filters), await runTests('lab', filters)]
  const counts = { checks: addCounts(checks), tests: addCounts(tests) }
  if (deadline.aborted) console.log('Stopped: the time limit of the tests is over.')
  console.log(closingLine(addCounts([counts.checks, counts.tests])))
  return exitCodeOf(counts)
}

async function check(name: string, run: () => boolean | Promise<boolean>): Promise<Counts> {
  console.log(`\n== ${name}`)
  const passed = await run()
  console.log(passed ? `${name}: passed` : `${name}: FAILED`)
  return { ...nothing, passed: passed ? 1 : 0, failed: passed ? 0 : 1 }
}

function checkImportTable(): boolean {
  const paths = globSync('packages/*/src/**/*.ts', { cwd: root }).map((file) => file.replaceAll(path.sep, '/'))
  const files = paths.sort().map((file) => ({ path: file, text: readFileSync(path.join(root, file), 'utf8') }))
  const forbidden = findForbiddenImports(files)
  for (const line of forbidden) console.log(line)
  return forbidden.length === 0
}

async function runTests(project: string, filters: readonly string[]): Promise<Counts> {
  console.log(`\n== ${project} tests`)
  const directory = mkdtempSync(path.join(tmpdir(), 'spansync-tests-'))
  const report = path.join(directory, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const args = [bin.vitest, 'run', '--project', project, '--passWithNoTests', ...reporters, ...filters]
    const counts = countsOf(report, await runNode(args))
    for (const reason of skipReasonsOf(report)) console.log(`${project} tests SKIPPED: ${reason}`)
    return counts
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
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
