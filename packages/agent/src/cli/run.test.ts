import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectControl } from '../control/client.ts'
import { runHere } from './testing.ts'

// `run` as a process of its own, with a daemon that only answers.

const script = `
import { fakeHandlers } from ${JSON.stringify(new URL('../control/fake-handlers.ts', import.meta.url).href)}
import { runDaemon } from ${JSON.stringify(new URL('./run.ts', import.meta.url).href)}
import { reportError } from '@spansync/common/cli/shell'
import { toSpansyncError } from '@spansync/common/runtime/errors'
const { env, stdout, stderr } = process
const start = async ({ log, signal }) => ({
  handlers: fakeHandlers(),
  ...(env.FAIL === undefined ? {} : { failed: Promise.reject(new Error(env.FAIL)) }),
  [Symbol.asyncDispose]: async () => log.info({ event: 'daemon.disposed', stopping: signal.aborted }),
})
try {
  await runDaemon({ home: process.argv[1], stdout, env }, start)
} catch (error) {
  reportError({ env, stdout, stderr }, toSpansyncError(error))
  process.exitCode = 1
}
`

let home: string
const children: ChildProcess[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-run-'))
  writeFileSync(
    join(home, 'config.yaml'),
    'name: laptop\nfolders: { docs: { path: /d }, lagging: { path: /l }, unknown: { path: /u } }\n',
  )
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  }
  rmSync(home, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  readonly events: string[]
  readonly err: string[]
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
  /** Resolves when this event is logged; rejects when the process ends before. */
  until(event: string): Promise<void>
}

function run(env: Record<string, string> = {}): Running {
  const args = ['--conditions=spansync-source', '--input-type=module', '--eval', script, home]
  const child = spawn(process.execPath, args, {
    // Where bare imports are looked up.
    cwd: import.meta.dirname,

    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const events: string[] = []
  const err: string[] = []
  const lines = createInterface({ input: child.stdout })
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text))
  lines.on('line', (line) => {
    const { event } = JSON.parse(line) as { event: string }
    events.push(event)
    lines.emit(`event:${event}`)
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const until = async (event: string): Promise<void> => {
    if (events.includes(event)) return
    await Promise.race([
      once(lines, `event:${event}`),
      ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${err.join('')}`))),
    ])
  }
  return { child, events, err, ended, until }
}

/** A command in this process, against the daemon in the other. */
const command = (...args: string[]) => runHere({ home, cwd: home }, args)

describe('stopping', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s stops cleanly, with exit code 0', async (signal) => {
    const { child, events, ended, until } = run()
    await until('agent.started')
    child.kill(signal)
    expect(await ended).toBe(0)
    expect(events).toEqual(['agent.starting', 'agent.started', 'agent.stopping', 'daemon.disposed', 'agent.stopped'])
    expect([existsSync(join(home, 'agent.sock')), existsSync(join(home, 'agent.json'))]).toEqual([false, false])
  })

  test('a time that only tests use is warned of', async () => {
    const { child, events, ended, until } = run({ SPANSYNC_CALENDAR: '0,0,60', SPANSYNC_WALL_AHEAD_MS: '0' })
    await until('agent.started')
    child.kill()
    await ended
    expect(events.slice(0, 3)).toEqual(['agent.starting', 'agent.time_changed', 'agent.started'])
  })

  test('the local interface can ask for it', async () => {
    const { ended, until } = run()
    await until('agent.started')
    await connectControl(home).stop()
    expect(await ended).toBe(0)
  })

  test('a daemon that cannot go on ends with exit code 1', async () => {
    const { events, err, ended } = run({ FAIL: 'the index is gone' })
    expect(await ended).toBe(1)
    expect(err.join('')).toMatch(/^error: the index is gone\nremedy: /)
    expect(events).toContain('daemon.disposed')
  })
})

test('a second one on the same home is refused; after SIGKILL the next one starts', async () => {
  const first = run()
  await first.until('agent.started')
  const second = run()
  expect(await second.ended).toBe(1)
  expect(second.err.join('')).toContain(`already running for ${home} (process ${first.child.pid})`)
  first.child.kill('SIGKILL')
  await first.ended
  expect((await command('status')).code).toBe(3)
  const third = run()
  await third.until('agent.started')
  expect((await command('status')).code).toBe(0)
})

test('the commands speak to the daemon', async () => {
  const { until, child, ended } = run()
  await until('agent.started')
  expect(JSON.parse((await command('status', '--json')).out)).toMatchObject({
    node: 'laptop',
    folders: [{ id: 'docs' }],
  })
  expect((await command('status')).out).toContain('up to date')
  expect((await command('conflicts')).out).toContain('a (conflict 2026-11-22 phone).txt')
  expect(JSON.parse((await command('conflicts', '--json')).out)).toHaveLength(1)
  expect(await command('sync')).toMatchObject({ code: 0, out: 'syncing docs\n' })
  expect(await command('sync', 'docs', '--wait')).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('✓ docs'),
  })
  const lagging = await command('sync', 'lagging', '--wait', '--json')
  expect(lagging).toMatchObject({
    code: 1,
    err: expect.stringContaining('error: not equal everywhere before the time ran out: lagging'),
  })
  expect(JSON.parse(lagging.out)).toMatchObject({ folders: [{ equal: false }] })
  expect(await command('sync', 'unknown')).toMatchObject({ code: 2, err: 'error: no such folder\nremedy: add it\n' })
  expect(await command('sync', 'dcos')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean `docs`?') })
  expect(await command('conflicts', 'nope')).toMatchObject({ code: 2 })
  const why = await command('why', 'docs', './letters/june.odt/')
  expect(why).toMatchObject({ code: 0, err: '' })
  expect(why.out).toMatch(/^docs\/letters\/june\.odt with server: waiting until .*\n {2}- outside the times, until/)
  expect(why.out).toContain('(config.yaml:12 folders.docs.policy.windows)\n    remedy: wait\n')
  expect(JSON.parse((await command('why', 'docs', '--json')).out)).toMatchObject({ peers: [{ state: 'waiting' }] })
  expect(await command('why', 'dcos')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean `docs`?') })
  expect(await command('why', 'docs', '--peer', 'nobody')).toMatchObject({ code: 2 })
  expect(await command('mode')).toMatchObject({ code: 0, out: 'auto (now decentralised)\n' })
  const watching = command('status', '--watch', '--json')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect((await watching).code).toBe(3)
})
