import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { subjects } from '@spansync/common/protocol/coordination'
import { freePort } from '@spansync/common/testing/free-port'
import { patience } from '@spansync/common/testing/patience'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findNatsServer } from './find-program.ts'
import { nodeIdOf, quickTiming, startTestServer } from './testing/test-server.ts'

const ann = nodeIdOf('ann')
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-nats-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

test('it is found where Debian puts it, although the PATH does not lead there', async () => {
  expect(await findNatsServer('/nowhere')).toMatch(/nats-server$/)
})

test('it stops with its coordinator, and leaves what it needs to come back', async () => {
  const first = await startTestServer({ directory, nodes: ['ann'] })
  const { port } = first
  const [pid, certificate] = [first.server.pid, first.server.certificate]
  expect(isAlive(pid)).toBe(true)
  await first[Symbol.asyncDispose]()
  expect(isAlive(pid)).toBe(false)
  await using second = await startTestServer({ directory, port, nodes: ['ann'] })
  expect(second.server.certificate).toBe(certificate)
  await second.link('ann').whenConnected(AbortSignal.timeout(patience.timeout))
})

test('nobody else can read what it keeps', async () => {
  await using _server = await startTestServer({ directory })
  const modes = await Promise.all(
    ['', 'nats.conf', 'users.conf', 'server-key.pem', 'nats-server.log'].map(async (name) => {
      return (await stat(join(directory, 'nats', name))).mode & 0o077
    }),
  )
  expect(modes).toEqual([0, 0, 0, 0, 0])
})

test('the port in use', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await expect(startTestServer({ directory, port })).rejects.toMatchObject({
    code: 'nats_port_in_use',
    message: expect.stringContaining(String(port)),
  })
  other.close()
})

test('the port in use by the server of another coordinator', async () => {
  await using other = await startTestServer()
  const starting = startTestServer({ directory, port: other.port })
  await expect(starting).rejects.toMatchObject({ code: 'nats_port_in_use' })
})

test('a server that a dead coordinator left is taken over', async () => {
  const port = await freePort()
  const orphan = await leaveOrphan(port)
  await using test = await startTestServer({ directory, port, nodes: ['ann'] })
  expect(test.server.pid).toBe(orphan)
  // With the users of now.
  await test.link('ann').whenConnected(AbortSignal.timeout(patience.timeout))
  process.kill(orphan, 'SIGKILL')
  await vi.waitFor(() => expect(test.server.pid).not.toBe(orphan), patience)
  await vi.waitFor(() => expect(isAlive(test.server.pid)).toBe(true), patience)
  const { pid } = test.server
  await test[Symbol.asyncDispose]()
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), patience)
})

test('one that was left on another port is replaced', async () => {
  const orphan = await leaveOrphan(await freePort())
  await using test = await startTestServer({ directory, nodes: ['ann'] })
  expect(test.server.pid).not.toBe(orphan)
  await vi.waitFor(() => expect(isAlive(orphan)).toBe(false), patience)
  await test.link('ann').whenConnected(AbortSignal.timeout(patience.timeout))
})

test('a pid file that leads to somebody else harms nobody', async () => {
  const first = await startTestServer({ directory })
  await first[Symbol.asyncDispose]()
  await writeFile(join(directory, 'nats', 'nats-server.pid'), String(process.pid))
  await using second = await startTestServer({ directory })
  expect(second.server.pid).not.toBe(process.pid)
})

test('it is started again when it dies, and subscriptions live on within seconds', async () => {
  await using test = await startTestServer({ directory, nodes: ['ann'] })
  const [coordinator, agent] = [test.link('coordinator'), test.link('ann')]
  using _orders = agent.subscribe(subjects.order(ann), ({ respond }) => {
    respond?.('yes')
  })
  await Promise.all([coordinator.whenConnected(), agent.whenConnected()])
  const isAnswered = async (): Promise<void> => {
    expect(await coordinator.request(subjects.order(ann), 'x', { timeoutMs: 500 })).toMatchObject({ kind: 'answer' })
  }
  await vi.waitFor(isAnswered, patience)
  const lost = once(agent.events, 'disconnected')
  process.kill(test.server.pid ?? 0, 'SIGKILL')
  const [reason] = await lost
  expect(reason).toMatchObject({ code: 'nats_lost' })
  const begunAt = performance.now()
  await vi.waitFor(isAnswered, patience)
  // Two on a quiet machine; a back-off gone wrong would take ten and more.
  expect(performance.now() - begunAt).toBeLessThan(10_000)
})

test('whoever waits for an answer hears at once that the connection is gone', async () => {
  await using test = await startTestServer({ directory, nodes: ['ann'] })
  const [coordinator, agent] = [test.link('coordinator'), test.link('ann')]
  await Promise.all([coordinator.whenConnected(), agent.whenConnected()])
  using _silent = agent.subscribe(subjects.order(ann), () => {
    process.kill(test.server.pid ?? 0, 'SIGKILL')
  })
  await agent.connection?.flush()
  expect(await coordinator.request(subjects.order(ann), 'x', { timeoutMs: 60_000 })).toEqual({ kind: 'disconnected' })
})

/** The signal takes a moment to reach threads on other cores, in which they still answer. */
async function untilStopped(pid: number): Promise<void> {
  if (process.platform !== 'linux') return
  const states = async (): Promise<string[]> => {
    const threads = await readdir(`/proc/${pid}/task`)
    const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')))
    return stats.map((text) => text.slice(text.lastIndexOf(')') + 2)[0] ?? '')
  }
  await vi.waitFor(async () => expect(new Set(await states())).toEqual(new Set(['T'])), patience)
}

test('a server that hangs is noticed by a request, and left', async () => {
  await using test = await startTestServer({ directory, nodes: ['ann'] })
  const agent = test.link('ann', { timing: { ...quickTiming, probeMs: 300 } })
  await agent.whenConnected()
  const lost = once(agent.events, 'disconnected')
  const pid = test.server.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  await untilStopped(pid)
  try {
    expect(await agent.request(subjects.state(ann), {}, { timeoutMs: 50 })).toEqual({ kind: 'timeout' })
    const [reason] = await lost
    expect(reason).toMatchObject({ code: 'nats_silent' })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await agent.whenConnected(AbortSignal.timeout(patience.timeout))
})

test('users that the server cannot take change nothing', async () => {
  await using test = await startTestServer({ directory, nodes: ['ann'] })
  const file = join(directory, 'nats', 'users.conf')
  const before = await readFile(file, 'utf8')
  const twice = test.users(['ann', 'ann'])
  await expect(test.server.reload(twice)).rejects.toMatchObject({ code: 'nats_reload_failed' })
  expect(await readFile(file, 'utf8')).toBe(before)
  await test.link('ann').whenConnected(AbortSignal.timeout(patience.timeout))
})

test('changes of users follow one another', async () => {
  await using test = await startTestServer({ directory })
  const names = ['ann', 'ben', 'carol']
  await Promise.all(names.map((_name, i) => test.server.reload(test.users(names.slice(0, i + 1)))))
  await Promise.all(names.map((name) => test.link(name).whenConnected(AbortSignal.timeout(patience.timeout))))
})

async function leaveOrphan(port: number): Promise<number> {
  const script = fileURLToPath(new URL('testing/leave-orphan.ts', import.meta.url))
  const argv = ['--conditions=spansync-source', script, join(directory, 'nats'), String(port)]
  const { signal, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
  const pid = Number(await readFile(join(directory, 'nats', 'nats-server.pid'), 'utf8'))
  expect(isAlive(pid)).toBe(true)
  return pid
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
