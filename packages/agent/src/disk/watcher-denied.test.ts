import { chmodSync, closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { compileIgnore } from '@spansync/common/core/policy/ignore'
import type { Hint } from '@spansync/common/ports'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'
import { asUnprivileged } from './testing/unprivileged.ts'
import { createWatcher, type Watcher, type WatcherOptions } from './watcher.ts'

let folder: TestFolder
let watcher: Watcher
let hinted: Set<string>
let check: () => void

beforeEach(() => {
  folder = makeTestFolder()
  hinted = new Set()
  check = () => {}
})
afterEach(async () => {
  await watcher[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

async function start(backend: NonNullable<WatcherOptions['backend']>): Promise<void> {
  watcher = createWatcher({
    root: folder.root,
    backend,
    ignore: compileIgnore([]).matcher,
    onHints: (hints: readonly Hint[]) => {
      for (const hint of hints) if (hint.kind === 'path') hinted.add(hint.path)
      check()
    },
    onDegraded: (problem) => {
      throw problem
    },
    log: silentLogger,
  })
  await watcher.start()
}

function untilHinted(...paths: string[]): Promise<void> {
  return new Promise((resolve) => {
    check = () => {
      if (paths.every((path) => hinted.has(path))) resolve()
    }
    check()
  })
}

describe.skipIf(process.platform !== 'linux').each(['tree', 'chokidar'] as const)(
  'createWatcher with %s',
  (backend) => {
    it('goes on when a directory may not be entered any more', async () => {
      folder.write('closed/inner/f')
      await asUnprivileged(folder.base, async () => {
        await start(backend)
        chmodSync(folder.at('closed'), 0o600)
        await untilHinted('closed')
        folder.write('open')
        await untilHinted('open')
        chmodSync(folder.at('closed'), 0o700)
        hinted.clear()
        folder.write('closed/new')
        folder.write('closed/inner/f', 'again')
        await untilHinted('closed/new', 'closed/inner/f')
      })
    })

    it('goes on after something whose path is too long to look at', async () => {
      // The system takes paths of up to 4095 bytes.
      const name = 'd'.repeat(200)
      let path = name
      while (folder.at(`${path}/${name}`).length < 4096) path += `/${name}`
      mkdirSync(folder.at(path), { recursive: true })
      await start(backend)
      const descriptor = openSync(folder.at(path), constants.O_RDONLY)
      mkdirSync(`/proc/self/fd/${descriptor}/${name}`)
      closeSync(descriptor)
      folder.write('next')
      await untilHinted('next')
    })
  },
)

describe.skipIf(process.platform !== 'linux')('createWatcher with tree', () => {
  it('watches what it could not look at before, once it may be entered', async () => {
    folder.write('closed/inner/f')
    await asUnprivileged(folder.base, async () => {
      chmodSync(folder.at('closed'), 0o600)
      await start('tree')
      chmodSync(folder.at('closed'), 0o700)
      await untilHinted('closed/inner')
      hinted.clear()
      writeFileSync(folder.at('closed/inner/f'), 'again')
      await untilHinted('closed/inner/f')
    })
    expect(hinted).toContain('closed/inner/f')
  })
})
