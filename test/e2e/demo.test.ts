import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type CommandResult, runCommand } from '../lab/command.ts'
import { readProcess } from '../lab/processes.ts'
import { until } from '../lab/until.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const program = 'test/demo/main.ts'

const base = mkdtempSync(join(realpathSync(tmpdir()), 'spansync-demo-'))
const running = new Set<Demo>()

/** `npm start`, without the set-up that `npm test` has done already. */
class Demo {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  output = ''

  constructor(...args: string[]) {
    const argv = ['--conditions=spansync-source', program, ...args]
    this.child = spawn(process.execPath, argv, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    }
    this.ended = new Promise((resolve) => this.child.once('close', resolve))
    running.add(this)
    void this.ended.then(() => running.delete(this))
  }

  /** Waits for a text; fails at once when the process ends without it. */
  async says(text: string | RegExp, deadlineMs = 120_000): Promise<void> {
    const said = (): boolean => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output))
    const over = (): boolean => this.child.exitCode !== null && this.child.stdout?.readableEnded === true
    await until(() => said() || over(), { deadlineMs, what: () => `the demonstration says ${text}\n${this.output}` })
    if (!said()) throw new Error(`the demonstration ended without saying ${text}\n${this.output}`)
  }

  /** In one line, or in one for each node when they come to it at different times. */
  async saysOfAll(text: string): Promise<void> {
    for (const name of names) await this.says(new RegExp(`^(?:all|${name}) +${text}$`, 'm'))
  }
}

const names = ['server', 'laptop', 'desktop']

function pidOf(directory: string, name: string): number {
  const { pid } = JSON.parse(readFileSync(join(directory, '.homes', name, 'agent.json'), 'utf8')) as { pid: number }
  return pid
}

/** The agents, the coordinator and its nats-server. */
function pidsOf(directory: string): number[] {
  const files = ['coordinator.pid', 'coordinator/nats/nats-server.pid']
  const others = files.map((file) => Number(readFileSync(join(directory, '.homes', file), 'utf8')))
  return [...names.map((name) => pidOf(directory, name)), ...others]
}

/** `spansync-coordinator --home … ARGS`, to its end. */
function coordinate(directory: string, ...args: string[]): Promise<CommandResult> {
  const program = join(repository, 'node_modules/.bin/spansync-coordinator')
  return runCommand([program, '--home', join(directory, '.homes/coordinator'), ...args])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // An orphan stays as a zombie where the first process of a container collects none.
  return readProcess(pid)?.state !== 'Z'
}

afterEach(async () => {
  for (const demo of running) demo.child.kill('SIGTERM')
  await Promise.all([...running].map(({ ended }) => ended))
})

afterAll(() => rmSync(base, { recursive: true, force: true }))

test('npm start -- --check: every step passes, with its time', { timeout: 900_000 }, async () => {
  const demo = new Demo('--check', '--dir', join(base, 'check'))
  const code = await demo.ended
  expect(code, demo.output).toBe(0)
  expect(demo.output).toContain('server coordinates')
  expect(demo.output).toMatch(/STEP +BY +PATHS +EQUAL AFTER/)
  const steps = ['a new file', 'the directory renamed', '1,000 small files', 'a conflict', 'server is killed']
  const coordination = ['the coordinator is killed', 'the coordinator starts again', 'an edit, by its orders', '`mode']
  for (const step of [...steps, ...coordination]) {
    expect(demo.output).toMatch(new RegExp(`✓ ${step}.* [\\d.]+ m?s\\n`))
  }
  expect(demo.output).toMatch(/All \d+ steps passed/)
})

describe('npm start', () => {
  const directory = join(base, 'show')

  test('shows what happens until it is told to end, and then nothing is left', { timeout: 300_000 }, async () => {
    const demo = new Demo('--dir', directory)
    await demo.says(/server {2}welcome\.txt → \w+ [\d.]+ m?s → \w+ [\d.]+ m?s\n/)
    writeFileSync(join(directory, 'laptop/documents/hello.txt'), 'hello\n')
    await demo.says(/laptop {2}hello\.txt → \w+ [\d.]+ m?s → \w+ [\d.]+ m?s\n/)
    expect(readFileSync(join(directory, 'desktop/documents/hello.txt'), 'utf8')).toBe('hello\n')
    const pids = pidsOf(directory)
    const second = new Demo('--dir', directory)
    expect(await second.ended).toBe(1)
    expect(second.output).toContain(`kill ${pids.slice(0, 4).join(' ')}`)
    demo.child.kill('SIGINT')
    expect(await demo.ended, demo.output).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('goes on with the network of the last time; says which agent died', { timeout: 300_000 }, async () => {
    writeFileSync(join(directory, 'desktop/documents/hello.txt'), 'edited in between\n')
    const demo = new Demo('--dir', directory)
    await demo.says(/desktop hello\.txt.* → \w+ [\d.]+ m?s/)
    expect(readFileSync(join(directory, 'laptop/documents/hello.txt'), 'utf8')).toBe('edited in between\n')
    const pids = pidsOf(directory)
    process.kill(pidOf(directory, 'laptop'), 'SIGKILL')
    expect(await demo.ended, demo.output).toBe(1)
    expect(demo.output).toContain('the agent of laptop ended by itself (SIGKILL)')
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('shows the plan, whom the agents follow, and goes on without its coordinator', {
    timeout: 300_000,
  }, async () => {
    const demo = new Demo('--dir', directory)
    await demo.says(/server coordinates.*\n.*documents: .*server.*server/)
    await demo.says('Ctrl-C ends it')
    const pids = pidsOf(directory)
    await coordinate(directory, 'mode', 'decentralised')
    await demo.saysOfAll('the coordinator says decentralised: direct sync')
    await coordinate(directory, 'mode', 'centralised')
    await demo.saysOfAll('the coordinator is there: sync by its orders')
    process.kill(pids[3] ?? 0, 'SIGKILL')
    await demo.says('the coordinator has ended (SIGKILL)')
    writeFileSync(join(directory, 'laptop/documents/alone.txt'), 'no coordinator\n')
    await demo.says(/laptop {2}alone\.txt → \w+ [\d.]+ m?s → \w+ [\d.]+ m?s\n/)
    // Its nats-server is still there, so agents that have nothing to say miss the coordinator only after its beats.
    await demo.saysOfAll('no coordinator: direct sync')
    demo.child.kill('SIGINT')
    expect(await demo.ended, demo.output).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
  })

  test.each([
    { command: 'npm start', args: [] },
    { command: 'npm start -- --check', args: ['--check'] },
  ])('$command leaves a directory alone that is not its own', { timeout: 120_000 }, async ({ args }) => {
    const foreign = join(base, 'foreign')
    mkdirSync(foreign, { recursive: true })
    writeFileSync(join(foreign, 'precious'), 'x')
    const demo = new Demo(...args, '--dir', foreign)
    expect(await demo.ended).toBe(1)
    expect(demo.output).toContain('stays untouched')
    expect(readFileSync(join(foreign, 'precious'), 'utf8')).toBe('x')
  })

  test('says what it does not understand', { timeout: 120_000 }, async () => {
    const demo = new Demo('--chekc')
    expect(await demo.ended).toBe(2)
    expect(demo.output).toContain('--help')
  })
})
