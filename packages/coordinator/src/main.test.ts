import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

function coordinator(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
}

test.each([
  { args: [] },
  { args: ['status', '--json'] },
  { args: ['run', '--nats', 'nats://localhost', '--store', 'sqlite:state'] },
])('$args says that there is no coordinator yet and what to do instead', ({ args }) => {
  const { status, stdout, stderr } = coordinator(...args)
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('not available yet')
  expect(stderr).toContain('agents sync directly')
})

test('--help says so too', () => {
  const { status, stdout } = coordinator('--help')
  expect(status).toBe(0)
  expect(stdout).toContain('not available yet')
})
