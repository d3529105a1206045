import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Check } from '../control/api.ts'
import { fakeHandlers } from '../control/fake-handlers.ts'
import { startControlServer } from '../control/server.ts'
import { checkUnison } from './doctor-unison.ts'
import { runHere } from './testing.ts'

let base: string
let home: string
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-doctor-'))
  home = join(base, 'home')
  await spansync('init', '--name', 'laptop')
  await spansync('folder', 'add', 'docs', 'docs')
  await editConfig(home, (editor) => editor.set(['unison', 'path'], fakeUnison('2.53.7')))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)

const fakeUnison = (version: string): string => {
  const path = join(base, `unison-${version}`)
  writeFileSync(path, `#!/bin/sh\necho "unison version ${version} (ocaml 4.13.1)"\n`, { mode: 0o755 })
  return path
}

async function doctor(): Promise<{ code: number | null; results: Record<string, string>; checks: Check[] }> {
  const { code, out } = await spansync('doctor', '--json')
  const { checks } = JSON.parse(out) as { checks: Check[] }
  return { code, checks, results: Object.fromEntries(checks.map(({ id, result }) => [id, result])) }
}

test('everything but the daemon is in order', async () => {
  const { code, results } = await doctor()
  expect(code).toBe(1)
  expect(results).toMatchObject({ config: 'ok', identity: 'ok', clock: 'ok', 'folder.docs': 'ok', daemon: 'fail' })
})

test('a running daemon adds its own checks, links and errors', async () => {
  const handlers = fakeHandlers()
  await using _server = await startControlServer({ home, handlers, stop: () => {}, log: silentLogger })
  const { code, results } = await doctor()
  expect(results).toMatchObject({
    daemon: 'ok',
    'peer.server': 'ok',
    'peer.phone': 'warn',
    'error.docs': 'fail',
    index: 'ok',
  })
  expect(code).toBe(1)
  const [docs] = (await handlers.status()).folders
  if (docs === undefined) throw new Error('no folder')
  handlers.change({ folders: [{ ...docs, errors: [] }] })
  expect(Object.values((await doctor()).results)).not.toContain('fail')
  expect(await spansync('doctor')).toMatchObject({ code: 0, out: expect.stringContaining('everything is in order') })
})

test('what is wrong with the files is found, each with a remedy', async () => {
  chmodSync(join(home, 'key.pem'), 0o644)
  rmSync(join(base, 'docs', '.spansync'), { recursive: true })
  const { results, checks } = await doctor()
  expect(results).toMatchObject({ identity: 'fail', 'folder.docs': 'fail' })
  for (const check of checks) expect(check.result === 'ok' || check.remedy).toBeTruthy()
  writeFileSync(join(home, 'config.yaml'), 'peeers: {}\n')
  const broken = await spansync('doctor')
  expect(broken.code).toBe(1)
  expect(broken.out).toContain('did you mean `peers`?')
})

test('what a crash left is found, explained, and repaired when asked for', async () => {
  const pair = join(home, 'unison', 'docs', 'peer')
  mkdirSync(pair, { recursive: true })
  mkdirSync(join(home, 'index'), { recursive: true })
  writeFileSync(join(pair, `lk${'0'.repeat(32)}`), '')
  writeFileSync(join(home, 'index', 'docs.sqlite'), 'not an index at all '.repeat(1000))
  writeFileSync(join(base, 'docs', '.unison.big.unison.tmp'), 'half')
  const found = await doctor()
  expect(found.results).toMatchObject({ 'index.docs': 'fail', 'unison.lock': 'warn', 'leftovers.docs': 'warn' })
  for (const check of found.checks) expect(check.result === 'ok' || check.remedy).toBeTruthy()
  expect(existsSync(join(base, 'docs', '.unison.big.unison.tmp'))).toBe(true)
  const { out } = await spansync('doctor', '--fix', '--json')
  const fixed = (JSON.parse(out) as { checks: Check[] }).checks
  expect(Object.fromEntries(fixed.map(({ id, result }) => [id, result]))).toMatchObject({
    ...{ 'index.docs': 'ok', 'unison.lock': 'ok', 'leftovers.docs': 'ok' },
  })
  expect((await doctor()).results).toMatchObject({ 'index.aside': 'warn' })
  expect(Object.keys((await doctor()).results)).not.toContain('unison.lock')
  expect(existsSync(join(base, 'docs', '.unison.big.unison.tmp'))).toBe(false)
})

test('a running agent´s locks and index are left to it', async () => {
  const pair = join(home, 'unison', 'docs', 'peer')
  mkdirSync(pair, { recursive: true })
  writeFileSync(join(pair, `lk${'0'.repeat(32)}`), '')
  await using _server = await startControlServer({ home, handlers: fakeHandlers(), stop: () => {}, log: silentLogger })
  await spansync('doctor', '--fix')
  expect(existsSync(join(pair, `lk${'0'.repeat(32)}`))).toBe(true)
})

test('an audit says what is damaged, and fails unless it is being healed', async () => {
  const handlers = fakeHandlers()
  await using _server = await startControlServer({ home, handlers, stop: () => {}, log: silentLogger })
  const found = await spansync('audit', 'docs')
  expect(found).toMatchObject({ code: 1, out: expect.stringContaining('a.txt its content has changed on the disk') })
  expect(found.err).toContain('--fix')
  expect(await spansync('audit', '--fix')).toMatchObject({
    code: 0,
    out: expect.stringContaining('it is fetched again'),
  })
  expect(handlers.calls).toEqual(['audit {"folder":"docs","fix":false}', 'audit {"fix":true}'])
})

test.each<[string, string, RegExp]>([
  ['2.53.7', 'ok', /^2\.53\.7 /],
  ['2.52.1', 'ok', /^2\.52\.1 /],
  ['3.0', 'ok', /^3\.0 /],
  ['2.51.5', 'fail', /too old/],
  ['none', 'fail', /does not say its version/],
])('Unison %s: %s', async (version, result, detail) => {
  expect(await checkUnison(fakeUnison(version))).toMatchObject({ result, detail: expect.stringMatching(detail) })
})

test('no Unison at all', async () => {
  const found = await checkUnison(join(base, 'nothing'))
  expect(found).toMatchObject({
    result: 'fail',
    detail: expect.stringContaining('is not there'),
    remedy: expect.stringContaining('install Unison'),
  })
})
