import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import type { Outcome } from './testing.ts'

// The real program, as a process of its own.

const main = new URL('../main.ts', import.meta.url).pathname
const base = mkdtempSync(join(tmpdir(), 'spansync-process-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))

async function spansync(home: string, ...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH ?? '', SPANSYNC_HOME: join(base, home), HOME: base }
  const child = spawn(process.execPath, ['--conditions=spansync-source', main, ...args], { cwd: base, env })
  child.stdin.end()
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, out, err }
}

test.concurrent.each<[string, string[], number, RegExp]>([
  ['no command', [], 2, /Commands:(.|\n)*^error: no command given\nremedy: see `spansync --help`\n$/m],
  ['wrong use', ['peer', 'add', 'nas'], 2, /^error: required option '--id <fingerprint>' not specified\nremedy: .*\n$/],
  ['not initialised', ['run'], 2, /^error: there is no configuration .*\nremedy: run `spansync init` first.*\n$/],
  [
    'not running',
    ['status'],
    3,
    /^error: spansync is not running .*\nremedy: set this machine up with `spansync init`.*\n$/,
  ],
])('%s: exit code and two lines', async (_name, args, code, message) => {
  const outcome = await spansync('nothing', ...args)
  expect(outcome).toMatchObject({ code, out: '' })
  expect(outcome.err).toMatch(message)
})

test('a machine is set up with three commands', async () => {
  expect(await spansync('home', 'init', '--name', 'laptop')).toMatchObject({ code: 0, err: '' })
  const id = await spansync('home', 'id')
  expect(id).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^[0-9a-f]{64}\n$/) })
  const added = await spansync('home', 'folder', 'add', 'docs', 'docs')
  expect(added).toMatchObject({
    code: 0,
    err: '',
    out: `folder docs added: ${join(base, 'docs')}, shared with every peer\n`,
  })
})
