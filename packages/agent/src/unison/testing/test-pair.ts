import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Duplex, duplexPair } from 'node:stream'
import type { Clock } from '@spansync/common/ports'
import { systemClock } from '@spansync/common/runtime/clock'
import type { ChildEnding } from '../child.ts'
import { MonitorStandIn } from '../monitor-stand-in.ts'
import { type OneShotOptions, type RunResult, runOneShot } from '../one-shot.ts'
import { openPersistent } from '../persistent.ts'
import type { PersistentRun } from '../persistent-run.ts'
import { type ServeOptions, serveUnison } from '../server.ts'
import { findUnison, type UnisonBinary } from '../version.ts'

const ids = { a: 'node-a', b: 'node-b' } as const

/** Two replicas on this machine with real Unison between them; `a` dials. Everything goes when disposed. */
export class TestPair implements AsyncDisposable {
  readonly base: string
  readonly unison: UnisonBinary
  readonly a: string
  readonly b: string
  readonly abort = new AbortController()
  /** How each serving process ended, in the order of their start. */
  readonly served: Promise<ChildEnding>[] = []
  /** Of the last serving process of a persistent run. */
  serverMonitor = new MonitorStandIn()

  constructor(base: string, unison: UnisonBinary) {
    this.base = base
    this.unison = unison
    this.a = join(base, 'a')
    this.b = join(base, 'b')
  }

  static async create(): Promise<TestPair> {
    const pair = new TestPair(await mkdtemp(join(tmpdir(), 'spansync-pair-')), await findUnison())
    for (const root of [pair.a, pair.b]) await mkdir(join(root, '.spansync'), { recursive: true })
    return pair
  }

  unisonDir(side: 'a' | 'b'): string {
    return join(this.base, `unison-${side}`)
  }

  backupDir(side: 'a' | 'b'): string {
    return join(this.base, `versions-${side}`)
  }

  /** A stream whose other end is served by b. */
  connect(change: Partial<ServeOptions> = {}): Duplex {
    const [near, far] = duplexPair()
    const served = serveUnison({
      unison: this.unison,
      root: this.b,
      unisonDir: this.unisonDir('b'),
      nodeId: ids.b,
      backupDir: this.backupDir('b'),
      stream: far,
      clock: systemClock,
      signal: this.abort.signal,
      ...change,
    })
    this.served.push(served)
    return near
  }

  async run(change: Partial<OneShotOptions> & Pick<OneShotOptions, 'paths'>): Promise<RunResult> {
    return await runOneShot({
      ...this.#client(),
      connect: async () => this.connect(),
      way: { kind: 'plain', bulk: false },
      ...change,
    })
  }

  async open(change: Partial<Parameters<typeof openPersistent>[0]> = {}): Promise<PersistentRun> {
    this.serverMonitor = new MonitorStandIn()
    const monitor = this.serverMonitor
    return await openPersistent({ ...this.#client(), connect: async () => this.connect({ monitor }), ...change })
  }

  #client() {
    const clock: Clock = systemClock
    return {
      unison: this.unison,
      localRoot: this.a,
      localNodeId: ids.a,
      unisonDir: this.unisonDir('a'),
      backupDir: this.backupDir('a'),
      ignore: [],
      watchdogMs: 60_000,
      clock,
      signal: this.abort.signal,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort.abort(new Error('the test is over'))
    await Promise.allSettled(this.served)
    await rm(this.base, { recursive: true, force: true })
  }
}

export async function write(root: string, path: string, content: string | Buffer, mode?: number): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
  if (mode !== undefined) await chmod(join(root, path), mode)
}

/** Everything in a tree but the sentinel: contents, `-> target` of links, `dir`; with the permission bits. */
export async function tree(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    if (name.startsWith('.spansync')) continue
    const path = join(root, name)
    const stats = await lstat(path)
    const mode = (stats.mode & 0o777).toString(8)
    if (stats.isSymbolicLink()) found[name] = `-> ${await readlink(path)}`
    else if (stats.isDirectory()) found[name] = `dir ${mode}`
    else found[name] = `${mode} ${await readFile(path, 'utf8')}`
  }
  return found
}

/** Looks again and again until it holds; throws when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 30_000,
): Promise<void> {
  const deadline = systemClock.now() + withinMs
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`not in time: ${what}`)
    await systemClock.sleep(5)
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
