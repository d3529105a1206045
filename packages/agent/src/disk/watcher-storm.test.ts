import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lstat, signatureOf } from './stat.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'
import { createWatcher, type Watcher } from './watcher.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

/** Another process that makes, writes, renames, replaces and deletes as fast as it can. */
const storm = `
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
const [root, seed, count] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])]
let state = seed
const random = (below) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0, (state >>> 8) % below)
const directory = () => Array.from({ length: 1 + random(3) }, () => 'd' + random(4)).join('/')
const attempt = (work) => { try { work() } catch {} }
for (let at = 0; at < count; at++) {
  const here = root + '/' + directory(), there = root + '/' + directory()
  switch (random(10)) {
    case 0: attempt(() => renameSync(here, there)); break
    case 1: attempt(() => rmSync(here, { recursive: true })); break
    case 2: attempt(() => { rmSync(here, { recursive: true }); mkdirSync(here); writeFileSync(here + '/again', '') }); break
    case 3: attempt(() => { renameSync(here, here + '-old'); mkdirSync(here); writeFileSync(here + '/new', '') }); break
    case 4: attempt(() => { writeFileSync(here + '/short', ''); rmSync(here + '/short') }); break
    case 5: attempt(() => appendFileSync(here + '/f' + random(4), 'x')); break
    default: attempt(() => { mkdirSync(here, { recursive: true }); writeFileSync(here + '/f' + random(4), String(at)) })
  }
}
`

/** What somebody knows who looks only where hints lead. */
class Follower {
  readonly #root: string
  readonly known = new Map<string, string>()

  constructor(root: string) {
    this.#root = root
  }

  follow(path: string): void {
    const now = describeAt(`${this.#root}/${path}`)
    if (now === undefined) for (const other of [path, ...this.below(path)]) this.known.delete(other)
    else this.known.set(path, now)
  }

  /** As a scan does. */
  lookEverywhere(): void {
    for (const path of [...this.known.keys(), ...treeOf(this.#root, '').keys()]) this.follow(path)
  }

  below(directory: string): string[] {
    return [...this.known.keys()].filter((path) => path.startsWith(`${directory}/`))
  }
}

function describeAt(full: string): string | undefined {
  const stats = lstat(full)
  if (stats === undefined) return undefined
  return stats.isDirectory() ? 'dir' : JSON.stringify(signatureOf(stats))
}

function treeOf(root: string, path: string, into = new Map<string, string>()): Map<string, string> {
  let names: string[] = []
  try {
    names = readdirSync(`${root}/${path}`)
  } catch {
    // Gone again: a hint will say so.
  }
  for (const name of names) {
    const child = path === '' ? name : `${path}/${name}`
    const description = describeAt(`${root}/${child}`)
    if (name === '.spansync' || description === undefined) continue
    into.set(child, description)
    if (description === 'dir') treeOf(root, child, into)
  }
  return into
}

function sorted(map: Map<string, string>): string {
  return JSON.stringify([...map].sort())
}

describe('a storm of changes by another process', () => {
  // The slow process takes events late, when the directories that they are about are long others.
  it.each([
    [1, 0],
    [2, 0],
    [3, 5],
    [4, 20],
  ])('ends with all of them noticed (seed %i, %i ms of other work)', async (seed, busyMs) => {
    const follower = new Follower(folder.root)
    let check = (): void => {}
    const watcher: Watcher = createWatcher({
      root: folder.root,
      ignore: compileIgnore([]).matcher,
      onHints: (hints) => {
        for (const until = performance.now() + busyMs; performance.now() < until; );
        for (const hint of hints) {
          if (hint.kind === 'path') follower.follow(hint.path)
          // On a busy machine the system's queue may run over, which is noticed too.
          else if (hint.reason === 'events_lost') follower.lookEverywhere()
          else throw new Error(hint.reason)
        }
        check()
      },
      onDegraded: (problem) => {
        throw problem
      },
      log: silentLogger,
      known: (directory) => follower.below(directory),
    })
    await watcher.start()
    const child = spawn(process.execPath, ['--input-type=module', '-e', storm, folder.root, String(seed), '3000'])
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    await new Promise<void>((resolve) => {
      check = () => {
        if (sorted(follower.known) === sorted(treeOf(folder.root, ''))) resolve()
      }
      check()
    })
    await watcher[Symbol.asyncDispose]()
  })
})

const canLimit = spawnSync('unshare', ['-Ur', 'sh', '-c', 'echo 50 > /proc/sys/user/max_inotify_watches']).status === 0

const limited = `
const [watcherUrl, ignoreUrl, root] = process.argv.slice(1)
const { createWatcher } = await import(watcherUrl)
const { compileIgnore } = await import(ignoreUrl)
const problems = []
const log = { debug() {} }
const onDegraded = (problem) => problems.push(problem.code)
const watcher = createWatcher({ root, ignore: compileIgnore([]).matcher, onHints() {}, onDegraded, log })
await watcher.start()
process.stdout.write(JSON.stringify(problems))
await watcher[Symbol.asyncDispose]()
`

describe.skipIf(!canLimit)('a system that allows too little', () => {
  it.each([
    ['max_inotify_watches', 20, 'watch_limit'],
    ['max_inotify_instances', 0, 'watch_instances'],
  ])('is reported once: %s', (limit, value, code) => {
    for (let at = 0; at < 60; at++) folder.write(`d${at}/f`)
    const script = `echo ${value} > /proc/sys/user/${limit}; exec "$0" "$@"`
    const node = [process.execPath, '--conditions=spansync-source', '--input-type=module', '-e', limited]
    const urls = ['./watcher.ts', '@spansync/common/core/policy/ignore'].map((name) => import.meta.resolve(name))
    const result = spawnSync('unshare', ['-Ur', 'sh', '-c', script, ...node, ...urls, folder.root], {
      encoding: 'utf8',
    })
    expect(result).toMatchObject({ stdout: JSON.stringify([code]), status: 0 })
  })
})
