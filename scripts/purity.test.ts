import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const project = mkdtempSync(path.join(tmpdir(), 'spansync-purity-'))
afterAll(() => rmSync(project, { recursive: true, force: true }))

/** What the repository's own lint configuration says about one file of code, as text; empty when it has no complaint. */
function lint(directory: string, code: string): string {
  for (const part of ['biome.json', 'scripts/lint'])
    cpSync(path.join(root, part), path.join(project, part), { recursive: true })
  const file = path.join(project, directory, 'probe.ts')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `export const probe = ${code}\n`)
  const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--vcs-enabled=false', '--reporter=github', file]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
  return status === 0 ? '' : stdout + stderr
}

test.each([
  { code: 'Date.now()', reason: 'Date.now' },
  { code: 'new Date()', reason: 'no clock' },
  { code: 'Math.random()', reason: 'Math.random' },
  { code: 'process.pid', reason: 'process' },
  { code: 'setTimeout(String, 1)', reason: 'setTimeout' },
  { code: 'performance.now()', reason: 'performance' },
  { code: 'globalThis.Date.now()', reason: 'globalThis' },
])('core may not use $code, other code may', ({ code, reason }) => {
  expect(lint('packages/common/src/core/causal', code)).toContain(reason)
  expect(lint('packages/common/src/runtime', code)).toBe('')
})

test('core may compute with times it was given', () => {
  expect(lint('packages/common/src/core', 'new Date(0).toISOString()')).toBe('')
})
