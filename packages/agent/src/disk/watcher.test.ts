import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import type { Hint } from '@spansync/common/ports'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'
import { createWatcher, type Watcher, type WatcherOptions } from './watcher.ts'
import { degradedBy } from './watcher-errors.ts'

let folder: TestFolder
let watcher: Watcher
let hinted: Set<string>
let rescans: string[]
let calls: number
let check: () => void

beforeEach(() => {
  folder = makeTestFolder()
  hinted = new Set()
  rescans = []
  calls = 0
  check = () => {}
})
afterEach(async () => {
  await watcher[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

async function start(more: Partial<WatcherOptions> = {}): Promise<void> {
  watcher = createWatcher({
    root: folder.root,
    ignore: compileIgnore(['*.tmp', 'cache']).matcher,
    onHints: (hints: readonly Hint[]) => {
      calls++
      for (const hint of hints) {
        if (hint.kind === 'path') hinted.add(hint.path)
        else rescans.push(hint.reason)
      }
      check()
    },
    onDegraded: (problem) => {
      throw problem
    },
    log: silentLogger,
    ...more,
  })
  await watcher.start()
}

/** Resolves when the condition holds; it is looked at after every report. */
function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    check = () => {
      if (condition()) resolve()
    }
    check()
  })
}

const untilHinted = (...paths: string[]): Promise<void> => until(() => paths.every((path) => hinted.has(path)))

describe.each(['tree', 'chokidar'] as const)('createWatcher with %s', (backend) => {
  // On Linux chokidar now and then loses a directory that is replaced at once (see WatchTree), and elsewhere it watches in another way.
  const onlyTree = it.skipIf(backend === 'chokidar')

  it('reports creations, edits, touches, modes, links and deletions', async () => {
    for (const name of ['edit', 'touch', 'mode', 'gone', 'd/gone']) folder.write(name)
    await start({ backend })
    expect(hinted.size).toBe(0)
    folder.write('new')
    folder.write('d/new')
    appendFileSync(folder.at('edit'), 'x')
    utimesSync(folder.at('touch'), 1, 1)
    chmodSync(folder.at('mode'), 0o600)
    rmSync(folder.at('gone'))
    rmSync(folder.at('d/gone'))
    symlinkSync('new', folder.at('link'))
    await untilHinted('new', 'd/new', 'edit', 'touch', 'mode', 'gone', 'd/gone', 'link')
    expect(rescans).toEqual([])
  })

  it('reports what is in a directory that appears with content', async () => {
    await start({ backend })
    folder.write('a/b/c/d/e')
    mkdirSync(join(folder.base, 'outside/x'), { recursive: true })
    writeFileSync(join(folder.base, 'outside/x/f'), '')
    renameSync(join(folder.base, 'outside'), folder.at('moved-in'))
    await untilHinted('a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/e', 'moved-in', 'moved-in/x', 'moved-in/x/f')
  })

  onlyTree('knows the new paths after a directory was renamed', async () => {
    folder.write('a/b/f')
    await start({ backend })
    renameSync(folder.at('a'), folder.at('z'))
    await untilHinted('a', 'z', 'z/b', 'z/b/f')
    hinted.clear()
    appendFileSync(folder.at('z/b/f'), 'x')
    folder.write('z/b/new')
    await untilHinted('z/b/f', 'z/b/new')
  })

  onlyTree('goes on with a directory that was deleted and made again at once', async () => {
    folder.write('a/b/f')
    await start({ backend })
    for (let round = 0; round < 5; round++) {
      hinted.clear()
      rmSync(folder.at('a'), { recursive: true })
      folder.write('a/b/f')
      await untilHinted('a', 'a/b', 'a/b/f')
      hinted.clear()
      folder.write(`a/b/after${round}`)
      await untilHinted(`a/b/after${round}`)
    }
  })

  onlyTree('goes on with a directory that replaced another', async () => {
    folder.write('a/old')
    await start({ backend })
    renameSync(folder.at('a'), folder.at('b'))
    folder.write('a/new')
    await untilHinted('a', 'a/new', 'b', 'b/old')
    hinted.clear()
    folder.write('a/later')
    folder.write('b/later')
    await untilHinted('a/later', 'b/later')
  })

  onlyTree('misses nothing in a burst of 5,000 files in new nested directories', async () => {
    await start({ backend })
    const paths: string[] = []
    for (let at = 0; at < 5000; at++) paths.push(`burst${at % 5}/d${at % 50}/e${at % 250}/f${at}`)
    for (const path of paths) folder.write(path, '')
    await untilHinted(...paths)
  })

  onlyTree('misses nothing while directories are made, renamed and deleted', async () => {
    await start({ backend })
    const last: string[] = []
    for (let at = 0; at < 300; at++) {
      folder.write(`x${at}/y/f`, '')
      if (at % 3 === 1) renameSync(folder.at(`x${at}`), folder.at(`renamed${at}`))
      if (at % 3 === 2) rmSync(folder.at(`x${at}`), { recursive: true })
      if (at % 3 === 0) last.push(`x${at}/y/f`)
      if (at % 3 === 1) last.push(`renamed${at}/y/f`, `x${at}`)
    }
    await untilHinted(...last)
    hinted.clear()
    const edited = last.filter((path) => path.endsWith('f'))
    for (const path of edited) appendFileSync(folder.at(path), 'x')
    await untilHinted(...edited)
  })

  onlyTree('does not read a directory again for every file deleted in it', async () => {
    for (let at = 0; at < 3000; at++) folder.write(`d/${at}`, '')
    await start({ backend })
    for (let at = 0; at < 2999; at++) rmSync(folder.at(`d/${at}`))
    await until(() => hinted.size >= 2999)
    // The one that stays would be hinted by a new listing.
    expect(hinted.has('d/2999')).toBe(false)
  })

  it('is silent about what is ignored', async () => {
    await start({ backend })
    folder.write('a.tmp')
    folder.write('cache/x/y')
    folder.write('.unison.f.unison.tmp')
    folder.write('d/cache/z')
    folder.write('last')
    await untilHinted('last', 'd')
    expect([...hinted].sort()).toEqual(['d', 'last'])
  })

  it('batches', async () => {
    await start({ backend })
    for (let at = 0; at < 100; at++) folder.write(`f${at}`)
    await untilHinted('f99')
    // A busy machine hands the events over in more pieces.
    expect(calls).toBeLessThan(50)
  })

  it('asks for a scan when the marker or the root goes away', async () => {
    await start({ backend })
    rmSync(folder.at('.spansync'), { recursive: true })
    await until(() => rescans.includes('root_changed'))
    rescans.length = 0
    renameSync(folder.root, join(folder.base, 'elsewhere'))
    await until(() => rescans.includes('root_changed'))
  })

  onlyTree('asks for a scan when events may have been lost', async () => {
    await start({ backend })
    // All in one go: the loop cannot take events meanwhile, so they pile up in the system's queue.
    for (let at = 0; at < 9000; at++) folder.write(`f${at % 3000}`, '')
    await until(() => rescans.includes('events_lost'))
  })

  onlyTree('hints at what was known in a directory that was replaced', async () => {
    folder.write('a/old')
    folder.write('a/sub/old')
    const asked: string[] = []
    const known = (directory: string): string[] => {
      asked.push(directory)
      return directory === 'a' ? ['a/old', 'a/sub', 'a/sub/old'] : []
    }
    await start({ backend, known })
    expect(asked).toEqual([])
    renameSync(folder.at('a'), join(folder.base, 'elsewhere'))
    folder.write('a/new')
    await untilHinted('a', 'a/new', 'a/old', 'a/sub', 'a/sub/old')
  })

  it('works below a root that is a link', async () => {
    const link = join(folder.base, 'link')
    symlinkSync(folder.root, link)
    await start({ backend, root: link })
    folder.write('d/f')
    await untilHinted('d', 'd/f')
  })

  it('sees a root again that was away', async () => {
    await start({ backend })
    renameSync(folder.root, join(folder.base, 'elsewhere'))
    await until(() => rescans.length > 0)
    renameSync(join(folder.base, 'elsewhere'), folder.root)
    hinted.clear()
    folder.write('d/back')
    await untilHinted('d/back')
  })

  it('says nothing after it was disposed of', async () => {
    await start({ backend })
    folder.write('a')
    await watcher[Symbol.asyncDispose]()
    const before = calls
    folder.write('b')
    await new Promise((resolve) => setImmediate(resolve))
    expect(calls).toBe(before)
  })
})

describe('degradedBy', () => {
  const error = (code: string): Error => Object.assign(new Error(code), { code })

  it.each([
    ['ENOSPC', 'watch_limit', 'fs.inotify.max_user_watches'],
    ['EMFILE', 'watch_instances', 'fs.inotify.max_user_instances'],
    ['EIO', 'watch_failed', 'rescans'],
  ])('names the remedy for %s', (errno, code, remedy) => {
    expect(degradedBy('/root', error(errno))).toMatchObject({ code, remedy: expect.stringContaining(remedy) })
  })

  it('leaves single paths alone', () => expect(degradedBy('/root', error('EACCES'))).toBeUndefined())
})
