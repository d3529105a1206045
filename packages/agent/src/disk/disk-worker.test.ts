import { createHash } from 'node:crypto'
import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaId } from '@spansync/common/core/causal/types'
import type { Observation } from '@spansync/common/ports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openIndex } from '../index-store/open-index.ts'
import { createDiskWorker, type DiskWorker } from './disk-worker.ts'
import { folder as id, makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
let worker: DiskWorker
beforeEach(() => {
  folder = makeTestFolder()
  worker = createDiskWorker()
})
afterEach(async () => {
  await worker[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const error = (code: string): unknown => expect.objectContaining({ code, remedy: expect.any(String) })
const big = Buffer.alloc((32 << 20) + 1, 'spansync')

const hashOf = (one: Observation): string => ('disk' in one ? (one.disk?.hash ?? '') : '')

describe('createDiskWorker', () => {
  it('observes, with what is known', async () => {
    folder.write('a', 'content')
    const stat = folder.signature('a')
    const paths = ['a', { path: 'a', known: { kind: 'file', hash: 'known', stat } as const }, 'none']
    const seen = await worker.observe(folder.root, paths)
    expect(seen).toHaveLength(3)
    expect(seen).toContainEqual(expect.objectContaining({ disk: expect.objectContaining({ hash: 'known' }) }))
    expect(seen).toContainEqual({ path: 'none', disk: undefined })
  })

  it('hands errors over as what they are', async () => {
    rmSync(folder.at('.spansync'), { recursive: true })
    await expect(worker.observe(folder.root, ['none'])).rejects.toThrow(error('marker_gone'))
    await expect(worker.perform(folder.root, [])).rejects.toThrow(error('marker_gone'))
    await expect(worker.scan({ root: folder.root, folder: id, ignore: [], onBatch: () => {} })).rejects.toThrow(
      error('marker_gone'),
    )
  })

  it('waits for big files, or hands them in later', async () => {
    folder.write('big', big)
    folder.write('small', 'x')
    const hash = createHash('sha256').update(big).digest('hex')
    const all = await worker.observe(folder.root, ['big', 'small'])
    expect(all.find(({ path }) => path === 'big')).toMatchObject({ disk: { hash, size: big.length } })
    const late = Promise.withResolvers<Observation>()
    const first = await worker.observe(folder.root, ['big', 'small'], { onLate: late.resolve })
    expect(first.map(({ path }) => path)).toEqual(['small'])
    expect(await late.promise).toMatchObject({ path: 'big', disk: { hash } })
  })

  it('performs with ignore patterns', async () => {
    folder.write('d/x.iso')
    const task = {
      op: 'rmdir',
      path: 'd',
      keepIn: { directory: join(folder.base, 'kept'), atMs: 0, path: 'd' },
    } as const
    expect(await worker.perform(folder.root, [task])).toMatchObject([{ code: 'not_empty' }])
    expect(await worker.perform(folder.root, [task], { ignore: ['*.iso'] })).toEqual([
      { code: 'done', disk: undefined },
    ])
  })

  it('copies big files without holding up anything else', async () => {
    // Many times what the small one takes, on a busy machine too; most of it is a hole.
    truncateSync(folder.write('big', big), big.length * 5)
    folder.write('small', 'x')
    const hashes = new Map((await worker.observe(folder.root, ['big', 'small'])).map((one) => [one.path, hashOf(one)]))
    const copy = (from: string) => ({
      op: 'copy' as const,
      from,
      fromExpect: folder.signature(from),
      to: `d/${from}`,
      toExpect: null,
      mode: 0o644,
      mtimeUs: 1_000_000,
      hash: hashes.get(from) ?? '',
    })
    await worker.perform(folder.root, [{ op: 'mkdir', path: 'd', mode: 0o755 }])
    const order: string[] = []
    const copied = worker.perform(folder.root, [copy('big'), copy('small')]).finally(() => order.push('copied'))
    const seen = worker.observe(folder.root, ['small']).finally(() => order.push('seen'))
    expect(await copied).toMatchObject([{ disk: { size: big.length * 5 } }, { disk: { size: 1 } }])
    await seen
    expect(order).toEqual(['seen', 'copied'])
    expect(folder.names()).toEqual(['big', 'd', 'd/big', 'd/small', 'small'])
  })

  it('scans beside an index that is in use, batch by batch', async () => {
    const indexFile = join(folder.base, 'index.sqlite')
    const index = openIndex(indexFile, { replica: () => 'a.1' as ReplicaId })
    for (let at = 0; at < 2300; at++) folder.write(`d${at % 7}/f${at}`, '')
    const sizes: number[] = []
    const onBatch = async ({ paths }: { paths: readonly string[] }): Promise<void> => {
      sizes.push(paths.length)
      const seen = await worker.observe(folder.root, paths)
      const rows = seen.flatMap((item) =>
        'disk' in item && item.disk ? [{ ...item.disk, path: item.path, deleted: false, vector: {}, dots: [] }] : [],
      )
      index.commit({ rows })
    }
    const options = { root: folder.root, folder: id, indexFile, ignore: [], onBatch }
    expect(await worker.scan(options)).toMatchObject({ entries: 2307, candidates: 2307 })
    expect(sizes).toEqual([...Array(11).fill(200), 107])
    expect(await worker.scan(options)).toMatchObject({ entries: 2307, candidates: 0 })
    index.close()
  })

  it('stops a scan when told, or when a batch could not be taken', async () => {
    for (let at = 0; at < 6000; at++) folder.write(`d${at % 60}/f${at}`, '')
    const abort = new AbortController()
    let batches = 0
    const stopped = worker.scan({
      root: folder.root,
      folder: id,
      ignore: [],
      signal: abort.signal,
      onBatch: () => {
        batches++
        abort.abort()
        return new Promise((resolve) => setImmediate(resolve))
      },
    })
    await expect(stopped).rejects.toThrow(error('scan_aborted'))
    expect(batches).toBeLessThan(6)
    const onBatch = (): never => {
      throw new Error('no room')
    }
    await expect(worker.scan({ root: folder.root, folder: id, ignore: [], onBatch })).rejects.toThrow('no room')
  })

  it('rejects what is open when it is disposed of', async () => {
    folder.write('big', big)
    const open = worker.observe(folder.root, ['big', 'none'])
    const rejected = expect(open).rejects.toThrow(error('disk_thread_failed'))
    await worker[Symbol.asyncDispose]()
    await rejected
  })
})
