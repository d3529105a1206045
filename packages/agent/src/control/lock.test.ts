import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockHome } from './lock.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-lock-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const script = `
import { lockHome } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
process.stdin.once('data', () => {
  try {
    lockHome(process.argv[1])
    console.log('won')
  } catch (error) {
    console.log(error.code + ' ' + error.message)
  }
})
console.log('ready')
`

/** A process that takes the lock when it is told to, says how that went, and then stays. */
function contender(): { child: ChildProcess; lines: AsyncIterator<string> } {
  const args = ['--conditions=spansync-source', '--input-type=module', '--eval', script, home]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdout === null) throw new Error('no output')
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

test('a second daemon is told who has the home', () => {
  using _lock = lockHome(home)
  expect(() => lockHome(home)).toThrow(
    expect.objectContaining({ code: 'home_locked', message: expect.stringContaining(`process ${process.pid}`) }),
  )
})

test('the lock is free again after it is let go', () => {
  lockHome(home)[Symbol.dispose]()
  lockHome(home)[Symbol.dispose]()
})

test('the note of a daemon that is no more names nobody', () => {
  using _lock = lockHome(home)
  writeFileSync(join(home, 'agent.json'), JSON.stringify({ pid: 2 ** 22 + 1, socket: '/x' }))
  expect(() => lockHome(home)).toThrow(expect.objectContaining({ message: expect.stringContaining('another process') }))
})

test('of many that start at the same instant exactly one wins, and SIGKILL frees the home', async () => {
  const contenders = Array.from({ length: 5 }, contender)
  await Promise.all(contenders.map(({ lines }) => lines.next()))
  for (const { child } of contenders) child.stdin?.write('go\n')
  const outcomes = await Promise.all(contenders.map(async ({ lines }) => String((await lines.next()).value)))
  expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1)
  expect(outcomes.filter((outcome) => outcome.startsWith('home_locked'))).toHaveLength(4)
  for (const { child } of contenders) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  lockHome(home)[Symbol.dispose]()
})
