import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '@spansync/common/testing/patience'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../disk/disk-worker.ts'
import { isUnfinished } from '../disk/keep.ts'
import { takenFrom } from '../disk/place.ts'
import { makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
import { cleanLeftovers } from '../unison/leftovers.ts'
import { keepCutOff, removeUnfinished } from './cut-off.ts'
import { versionsOf } from './list.ts'

let folder: TestFolder
let disk: DiskWorker
beforeEach(() => {
  folder = makeTestFolder()
  disk = createDiskWorker()
})
afterEach(async () => {
  await disk[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const later = (): number => Date.now() + 60_000
const take = (path: string): string => {
  const [directory, name] = path.includes('/') ? path.split('/') : ['', path]
  const file = join(directory as string, `.unison.${name}.1a-0-3.taken.unison.tmp`)
  folder.write(file, `what was in ${path}`)
  return file
}

async function kept(directory = folder.base): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { path, file } of versionsOf(join(directory, 'versions'), ''))
    found.push([path, readFileSync(file, 'utf8')])
  return found
}

const options = () => ({ root: folder.root, directory: join(folder.base, 'versions'), disk, beforeMs: later() })

describe('a version that was on its way out of the folder when the process ended', () => {
  it('is left by whoever cleans, and kept under the name that it had', async () => {
    const files = [take('a.txt'), take('d/b.tar.gz')]
    const cleaned = await cleanLeftovers(folder.root, { olderThanMs: 0, now: later() })
    expect([cleaned.removed, cleaned.taken.toSorted()]).toEqual([[], files.toSorted()])
    expect(await keepCutOff(cleaned.taken, options())).toEqual([])
    expect((await kept()).sort()).toEqual([
      ['a.txt', 'what was in a.txt'],
      ['d/b.tar.gz', 'what was in d/b.tar.gz'],
    ])
    expect(files.filter((file) => existsSync(folder.at(file)))).toEqual([])
  })

  it('stays while it cannot be kept', async () => {
    const file = take('a.txt')
    writeFileSync(join(folder.base, 'versions'), 'a file where a directory is needed')
    expect(await keepCutOff([file], options())).toEqual([file])
    expect(readdirSync(folder.root).filter((name) => takenFrom(name) !== undefined)).toEqual([file])
  })

  it('is not touched while it is on its way', async () => {
    const file = take('a.txt')
    const beforeMs = lstatSync(folder.at(file)).ctimeMs
    expect(await keepCutOff([file], { ...options(), beforeMs })).toEqual([])
    expect([await kept(), existsSync(folder.at(file))]).toEqual([[], true])
  })

  it.each([
    ['.unison.a.1a-0-3.spansync.unison.tmp', undefined],
    ['.unison.a.0123456789abcdef0123456789abcdef.unison.tmp', undefined],
    ['d/.unison.a.b.1a-0-3.taken.unison.tmp', 'd/a.b'],
    ['.unison.a\nb.1a-0-3.taken.unison.tmp', 'a\nb'],
  ])('is known by its name: %j', (file, path) => {
    expect(takenFrom(file)).toBe(path)
  })
})

describe.runIf(existsSync('/dev/shm'))('killed in the midst of keeping a version on another disk', () => {
  const elsewhere = `/dev/shm/spansync-cut-off-${process.pid}`
  afterEach(() => rmSync(elsewhere, { recursive: true, force: true }))

  it('loses nothing, and takes no half of it for a version', async () => {
    const content = Buffer.alloc(400 << 20, 'some content')
    writeFileSync(folder.at('a.bin'), content)
    const directory = join(elsewhere, 'versions')
    const task = {
      op: 'remove',
      path: 'a.bin',
      expect: folder.signature('a.bin'),
      keepIn: { directory, atMs: Date.now(), path: 'a.bin' },
    }
    const module = JSON.stringify(join(import.meta.dirname, '../disk/perform.ts'))
    const script = `import { perform } from ${module}; perform(process.argv[1], [JSON.parse(process.argv[2])], [])`
    const argv = ['--conditions=spansync-source', '--input-type=module', '--eval', script]
    const keeping = execa(process.execPath, [...argv, folder.root, JSON.stringify(task)], { reject: false })
    const unfinished = (): string[] => (existsSync(directory) ? readdirSync(directory).filter(isUnfinished) : [])
    await vi.waitUntil(() => unfinished().length > 0, { ...patience, interval: 1 })
    keeping.kill('SIGKILL')
    expect((await keeping).signal).toBe('SIGKILL')

    expect(existsSync(folder.at('a.bin'))).toBe(false)
    expect(await kept(elsewhere)).toEqual([])
    const { taken } = await cleanLeftovers(folder.root, { olderThanMs: 0, now: later() })
    expect(await keepCutOff(taken, { ...options(), directory })).toEqual([])
    const versions: string[] = []
    for await (const { file } of versionsOf(directory, 'a.bin')) versions.push(file)
    expect(versions).toHaveLength(1)
    expect(readFileSync(versions[0] as string).equals(content)).toBe(true)
    await removeUnfinished(directory, later())
    expect(unfinished()).toEqual([])
  })
})

describe('removeUnfinished', () => {
  it('leaves what may be under way, and whatever is not its', async () => {
    const directory = join(folder.base, 'versions')
    for (const name of ['.unfinished-1-0-1', '2026-11-30', 'unison'])
      mkdirSync(join(directory, name), { recursive: true })
    writeFileSync(join(directory, '.unfinished-1-0-2'), 'half')
    utimesSync(join(directory, '.unfinished-1-0-2'), 1, 1)
    await removeUnfinished(directory, Date.now() - 60_000)
    expect(readdirSync(directory)).toHaveLength(4)
    await removeUnfinished(directory, later())
    expect(readdirSync(directory).sort()).toEqual(['2026-11-30', 'unison'])
  })
})
