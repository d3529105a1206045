import { hash } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { DiskState, Entry, NodeId, RelativePath, ReplicaId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { directory, fetchItem, file } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../disk/disk-worker.ts'
import type { KeptPlace } from '../disk/kept-place.ts'
import type { Task } from '../disk/tasks.ts'
import { makeTestFolder, type TestFolder } from '../disk/testing/test-folder.ts'
import { Fetcher, type Ways } from './fetcher.ts'
import { Observer } from './observer.ts'
import { fewestFiles } from './parcel/parcels.ts'
import { PathProblems } from './path-problems.ts'
import type { SessionRequest } from './sessions.ts'

let disk: DiskWorker
beforeAll(() => {
  disk = createDiskWorker()
})
afterAll(() => disk[Symbol.asyncDispose]())

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

function makeFetcher(rows: readonly Entry[] = []): Fetcher {
  const { root } = folder
  const index = new MemoryIndex('r' as ReplicaId)
  index.commit({ rows: rows.map((row) => ({ ...row, stat: undefined })) })
  const observer = new Observer({
    ...{ root, disk, index, problems: new PathProblems() },
    ...{ isIgnored: () => false, again: () => {}, late: () => {}, folds: false, files: [] },
  })
  const ahead = { has: () => false, ready: async () => undefined, drop: async () => {}, spare: async () => {} }
  const keptPlace = (path: RelativePath): KeptPlace => ({ directory: `${folder.base}/versions`, atMs: 0, path })
  return new Fetcher({
    root,
    disk,
    index,
    observer,
    clock: new FakeClock(),
    keptPlace,
    disposable: ['.unison.*'],
    ahead,
  })
}

const contents = new Map<string, string>()

function entry(path: RelativePath, content: string, more: Partial<Entry> = {}): Entry {
  const sum = hash('sha256', content)
  contents.set(sum, content)
  return file(path, sum, { a: 1 }, { size: content.length, mtimeUs: 1_700_000_000_000_000, ...more })
}

/** A peer that has everything, except what is `missing`; notes the modes that directories have meanwhile. */
function peer({ missing = [] as RelativePath[], onParcel = () => {} } = {}) {
  const session = vi.fn(async (request: SessionRequest) => {
    for (const path of request.paths) folder.write(path, 'by unison')
    return { result: 'done', reason: '' } as const
  })
  const parcel = vi.fn(async (items: readonly FetchItem[]): Promise<Map<RelativePath, DiskState>> => {
    onParcel()
    const sent = items.filter(({ entry: { path } }) => !missing.includes(path))
    const tasks = sent.map(({ entry: { path: to, mode, mtimeUs, hash } }): Task => {
      return { op: 'put', to, bytes: Buffer.from(contents.get(hash) as string), mode, mtimeUs, hash }
    })
    const results = await disk.perform(folder.root, tasks)
    return new Map(
      results.flatMap((one, at) =>
        one.code === 'done' && one.disk ? [[(tasks[at] as { to: string }).to, one.disk]] : [],
      ),
    )
  })
  return { session, isQuick: () => false, parcel } satisfies Ways
}

const fetchAll = (items: readonly FetchItem[], ways: Ways) =>
  makeFetcher().fetch({ peer: 'p' as NodeId, items, untouched: new Set(), partial: new Set() }, ways)

describe('many small new files', () => {
  const many = (): FetchItem[] =>
    Array.from({ length: fewestFiles }, (_, at) => fetchItem(entry(`d/e/${at}`, `content ${at}`)))
  const directories = (mode: number): FetchItem[] =>
    ['d', 'd/e'].map((path) => fetchItem(directory(path, { a: 1 }, { mode })))

  it('come in a parcel, and nobody asks Unison', async () => {
    const ways = peer()
    const fetched = await fetchAll([...directories(0o755), ...many()], ways)
    expect(fetched).toMatchObject({ outcome: 'done', byUnison: [], extras: [] })
    expect(fetched.transferred).toHaveLength(fewestFiles)
    expect(ways.session).not.toHaveBeenCalled()
    expect(folder.names()).toHaveLength(fewestFiles + 2)
    const files = fetched.items.filter(({ disk }) => disk?.kind === 'file')
    expect(files.every(({ ran, isTransferred }) => ran && isTransferred)).toBe(true)
  })

  it('what does not come in it is left to Unison', async () => {
    const ways = peer({ missing: ['d/e/3'] })
    const { byUnison } = await fetchAll([...directories(0o755), ...many()], ways)
    expect(ways.session.mock.calls.map(([{ paths, covers }]) => [paths, [...covers]])).toEqual([[['d/e/3'], []]])
    expect(byUnison).toEqual([])
    expect(readFileSync(folder.at('d/e/3'), 'utf8')).toBe('by unison')
  })

  it('and those of the same content are copied from them at once', async () => {
    const ways = peer()
    const twins = ['x', 'y'].map((path) => fetchItem(entry(path, 'content 1', { mode: 0o600 })))
    const fetched = await fetchAll([...directories(0o755), ...many(), ...twins], ways)
    expect(fetched).toMatchObject({ outcome: 'done', byUnison: [] })
    expect(ways.parcel.mock.calls[0]?.[0]).toHaveLength(fewestFiles)
    for (const path of ['x', 'y']) expect(readFileSync(folder.at(path), 'utf8')).toBe('content 1')
    expect(statSync(folder.at('x')).mode & 0o777).toBe(0o600)
  })

  it('come into private directories, which stay private while more comes by Unison', async () => {
    const modes: number[] = []
    const ways = peer({ missing: ['d/e/3'] })
    ways.session.mockImplementation(async () => {
      modes.push(...['d', 'd/e'].map((path) => statSync(folder.at(path)).mode & 0o777))
      return { result: 'done', reason: '' }
    })
    await fetchAll([...directories(0o700), ...many()], ways)
    expect(modes).toEqual([0o700, 0o700])
  })

  it('come into directories that may not be written to, which are so in the end', async () => {
    const modes: number[] = []
    const ways = peer({ onParcel: () => modes.push(statSync(folder.at('d/e')).mode & 0o777) })
    const fetched = await fetchAll([...directories(0o555), ...many()], ways)
    expect([fetched.outcome, modes, statSync(folder.at('d/e')).mode & 0o777]).toEqual(['done', [0o755], 0o555])
    for (const path of ['d', 'd/e']) chmodSync(folder.at(path), 0o755)
  })
})

describe('a directory in the place of a file that is to come', () => {
  async function fetchOver(left: string): Promise<string> {
    folder.write(`d/${left}`, 'left')
    const local = {
      ...directory('d', { a: 1 }, { mode: statSync(folder.at('d')).mode & 0o777 }),
      seq: 1,
      stat: undefined,
    }
    const item = { ...fetchItem(entry('d', 'content', { vector: { a: 2 } })), local, clear: true }
    await makeFetcher([local]).fetch(
      { peer: 'p' as NodeId, items: [item], untouched: new Set(), partial: new Set() },
      peer(),
    )
    return statSync(folder.at('d')).isDirectory() ? 'stays' : readFileSync(folder.at('d'), 'utf8')
  }

  it('goes when only an unfinished file of Unison is in it', async () => {
    expect(await fetchOver('.unison.x.0123456789abcdef.unison.tmp')).toBe('by unison')
  })

  it('stays when anything else is', async () => {
    expect(await fetchOver('x')).toBe('stays')
    expect(readFileSync(folder.at('d/x'), 'utf8')).toBe('left')
  })
})

it('few files are left to Unison', async () => {
  const ways = peer()
  await fetchAll([fetchItem(entry('one', 'one'))], ways)
  expect([ways.session.mock.calls.length, ways.parcel.mock.calls.length]).toEqual([1, 0])
})

it('a file is not copied from a link that leads to what the file says', async () => {
  const [link, one] = [entry('link', 'content', { kind: 'symlink', mode: 0 }), entry('file', 'content')]
  const session = async ({ paths, staging = folder.root }: SessionRequest) => {
    for (const path of paths) {
      if (path === 'link') symlinkSync('content', join(staging, path))
      else writeFileSync(join(staging, path), 'content')
    }
    return { result: 'done', reason: '' } as const
  }
  const ways = { ...peer(), session }
  const items = [fetchItem(one), fetchItem(link), fetchItem({ ...one, path: 'twin' })]
  const fetched = await fetchAll(items, ways)
  expect(fetched.outcome).toBe('done')
  expect(['link', 'file', 'twin'].map((path) => folder.stats(path).isSymbolicLink())).toEqual([true, false, false])
})

it('what somebody deletes after it was put in place is not told as being there', async () => {
  const session = async ({ paths, staging = folder.root }: SessionRequest) => {
    for (const path of paths) writeFileSync(join(staging, path), contents.get(sumOf(path)) ?? '')
    return { result: 'done', reason: '' } as const
  }
  const sumOf = (path: string): string => hash('sha256', path)
  const items = ['a', 'b'].map((path) => fetchItem(entry(path, path)))
  const fetcher = makeFetcher()
  const land = fetcher.staging.land.bind(fetcher.staging)
  vi.spyOn(fetcher.staging, 'land').mockImplementation(async (from, staged) => {
    const result = await land(from, staged)
    rmSync(folder.at('a'))
    return result
  })
  const work = { peer: 'p' as NodeId, items, untouched: new Set<string>(), partial: new Set<string>() }
  const fetched = await fetcher.fetch(work, { ...peer(), session })
  expect(fetched.items.map(({ path, disk }) => [path, disk?.kind])).toEqual([
    ['a', undefined],
    ['b', 'file'],
  ])
  expect(fetched.outcome).toBe('failed')
})
