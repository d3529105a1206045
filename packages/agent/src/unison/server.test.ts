import { readdirSync, readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spansync/common/runtime/clock'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { serveUnison } from './server.ts'
import { isAlive, TestPair, until } from './testing/test-pair.ts'

/** Everything below a process, as Linux tells it. */
function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number)
  return children.flatMap((child) => [child, ...descendants(child)])
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

test('stopped by its signal: the process is gone, also behind a wrapper', async () => {
  await using pair = await TestPair.create()
  const abort = new AbortController()
  const pidFile = join(pair.base, 'pid')
  const [stream, far] = duplexPair()
  far.resume()
  const serving = serveUnison({
    unison: pair.unison,
    root: pair.b,
    unisonDir: pair.unisonDir('b'),
    nodeId: 'node-b',
    stream,
    wrap: (argv) => ['/bin/sh', '-c', 'echo $$ > "$0"; "$@"; true', pidFile, ...argv],
    clock: systemClock,
    signal: abort.signal,
  })
  let pids: number[] = []
  await until(async () => {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => '0'))
    pids = pid > 0 ? [pid, ...descendants(pid)] : []
    return pids.length >= 2
  }, 'it runs')
  abort.abort(new Error('enough'))
  expect(await serving).toMatchObject({ exit: null, signal: 'SIGKILL' })
  await until(() => !pids.some(isAlive), 'it is gone')
})

test('the stream ends: the process ends by itself', async () => {
  await using pair = await TestPair.create()
  const stream = pair.connect()
  stream.end()
  stream.resume()
  expect(await pair.served[0]).toMatchObject({ signal: null })
})

test('aborted before it began', async () => {
  await using pair = await TestPair.create()
  pair.connect({ signal: AbortSignal.abort(new Error('too late')) })
  expect(await pair.served[0]).toMatchObject({ exit: null })
})

test.skipIf(process.platform !== 'linux')('the agent is killed: no process stays behind', async () => {
  const script = fileURLToPath(new URL('./testing/agent-process.ts', import.meta.url))
  const agent = execa(process.execPath, ['--conditions=spansync-source', script], { reject: false })
  let base = ''
  let text = ''
  agent.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.includes('\n')) base = JSON.parse(text).base
  })
  await until(() => base !== '', 'it holds a long-lived run')
  const pids = descendants(agent.pid ?? 0)
  // Two Unison processes, each with the two helpers of its monitor.
  expect(pids).toHaveLength(6)
  agent.kill('SIGKILL')
  await agent
  await until(() => !pids.some(isAlive), 'all are gone')
  await rm(base, { recursive: true })
})
