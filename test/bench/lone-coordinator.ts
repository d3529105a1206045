/// <reference lib="esnext.disposable" />
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCredentials, publicKeyOf } from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { openStore } from '@spansync/coordinator/store/open-store'
import { runCommand } from '../lab/command.ts'
import { readProcess } from '../lab/processes.ts'
import { until } from '../lab/until.ts'

const program = fileURLToPath(new URL('../../node_modules/.bin/spansync-coordinator', import.meta.url))

export interface Registered {
  readonly id: NodeId
  readonly name: string
}

/** A coordinator process with its own nats-server, both on the loopback interface of this machine. */
export class LoneCoordinator implements AsyncDisposable {
  readonly home: string
  readonly url: string
  private readonly child: ChildProcess

  private constructor(home: string, url: string, child: ChildProcess) {
    this.home = home
    this.url = url
    this.child = child
  }

  /** The nodes are registered before it starts, without a command for each. */
  static async start(nodes: readonly Registered[]): Promise<LoneCoordinator> {
    const home = mkdtempSync(join(tmpdir(), 'spansync-load-'))
    const port = await freePort()
    await runCommand([program, '--home', home, 'init', '--listen', `127.0.0.1:${port}`, '--host', '127.0.0.1'])
    await register(home, nodes)
    const log = openSync(join(home, 'coordinator.log'), 'a')
    const child = spawn(program, ['--home', home, 'run'], { stdio: ['ignore', log, log] })
    const coordinator = new LoneCoordinator(home, `tls://127.0.0.1:${port}`, child)
    await until(() => coordinator.output().includes('lease.acquired'), {
      ...{ deadlineMs: 30_000, what: () => `the coordinator leads\n${coordinator.output()}` },
    })
    return coordinator
  }

  get credentialsFile(): string {
    return join(this.home, 'nats.json')
  }

  output(): string {
    return readFileSync(join(this.home, 'coordinator.log'), 'utf8')
  }

  /** Why orders brought nothing, and how often. */
  failures(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [, reason = ''] of this.output().matchAll(/"event":"order\.failed".*"reason":"([^"]*)"/g)) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
    }
    return counts
  }

  /** Most memory that it has had resident, in bytes. */
  get peakBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'latin1')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  get cpuSeconds(): number {
    return readProcess(this.child.pid ?? 0)?.cpuSeconds ?? Number.NaN
  }

  get nats(): { readonly cpuSeconds: number; readonly rssBytes: number } | undefined {
    return readProcess(Number(readFileSync(join(this.home, 'nats', 'nats-server.pid'), 'utf8')))
  }

  command(...args: string[]): ReturnType<typeof runCommand> {
    return runCommand([program, '--home', this.home, ...args], { check: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await ended
    // SPANSYNC_LAB_KEEP=1 keeps its logs.
    if (process.env.SPANSYNC_LAB_KEEP === undefined) rmSync(this.home, { recursive: true, force: true })
  }
}

async function register(home: string, nodes: readonly Registered[]): Promise<void> {
  await using store = await openStore(`sqlite:${join(home, 'store.sqlite')}`)
  for (const { id, name } of nodes) {
    const nkey = publicKeyOf(createCredentials({ node: id, name, server: null }))
    await store.nodes.put({ id, name, nkey, addedAt: 0 }, 'person')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
