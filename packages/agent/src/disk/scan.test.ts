import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaId } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openIndex } from '../index-store/open-index.ts'
import { observe } from './observe.ts'
import { type ScanProblem, type ScanTask, scan } from './scan.ts'
import { folder as id, makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
let index: FolderIndex
let indexFile: string

beforeEach(() => {
  folder = makeTestFolder()
  indexFile = join(folder.base, 'index.sqlite')
  index = openIndex(indexFile, { replica: () => 'a.1' as ReplicaId })
})
afterEach(() => {
  index.close()
  folder[Symbol.dispose]()
})

function run(more: Partial<ScanTask> = {}): { paths: string[]; problems: ScanProblem[] } {
  const paths: string[] = []
  const problems: ScanProblem[] = []
  const emit = (batch: { paths: readonly string[]; problems: readonly ScanProblem[] }): void => {
    paths.push(...batch.paths)
    problems.push(...batch.problems)
  }
  const task = { root: folder.root, folder: id, indexFile, ignore: ['*.tmp'], under: undefined, ...more }
  scan(task, { emit, checkAborted: () => {} })
  return { paths, problems }
}

type CommitRow = Parameters<FolderIndex['commit']>[0]['rows'][number]

/** What the agent does with candidates: observe and commit. */
function adopt(paths: readonly string[]): void {
  const { observations } = observe(
    folder.root,
    paths.map((path) => ({ path })),
  )
  const rows = observations.flatMap((seen): CommitRow[] => {
    if (!('disk' in seen)) return []
    const history = { path: seen.path, vector: { 'a.1': 1 }, dots: [] }
    if (seen.disk !== undefined) return [{ ...seen.disk, ...history, deleted: false }]
    const gone = { kind: 'file', size: 0, mtimeUs: 0, mode: 0, hash: '', stat: undefined } as const
    return [{ ...gone, ...history, deleted: true }]
  })
  index.commit({ rows })
}

describe('scan', () => {
  it('passes by what the rules for files leave out, but not what is shared already and has grown or gone', () => {
    for (const name of ['grown.a', 'gone.a', 'changed.b']) folder.write(name, 'x')
    adopt(run().paths)
    for (const name of ['changed.b', 'grown.a', 'new.a']) folder.write(name, 'x'.repeat(100))
    rmSync(join(folder.root, 'gone.a'))
    expect(run({ files: [{ include: ['*.a'], maxSize: 99 }] }).paths).toEqual(['gone.a', 'grown.a'])
    expect(run().paths).toEqual(['changed.b', 'gone.a', 'grown.a', 'new.a'])
  })

  it('finds everything new, then nothing', () => {
    folder.write('b/c/f')
    folder.write('a')
    folder.link('l', 'nowhere')
    mkdirSync(folder.at('empty'))
    folder.write('x.tmp')
    folder.write('t.tmp/inside')
    const { paths, problems } = run()
    expect(paths.sort()).toEqual(['a', 'b', 'b/c', 'b/c/f', 'empty', 'l'])
    expect(problems).toEqual([])
    adopt(paths)
    expect(run()).toEqual({ paths: [], problems: [] })
    expect(run({ indexFile: undefined }).paths).toHaveLength(6)
  })

  it('finds edits, touches, new modes, changed kinds and what vanished', () => {
    for (const name of ['same', 'edit', 'touch', 'mode', 'kind', 'gone', 'dir/gone', 'dir/x/gone', 'file2dir'])
      folder.write(name)
    adopt(run().paths)
    folder.write('edit', 'longer than before')
    utimesSync(folder.at('touch'), 1, 1)
    chmodSync(folder.at('mode'), 0o600)
    rmSync(folder.at('kind'))
    folder.link('kind', 'same')
    rmSync(folder.at('gone'))
    rmSync(folder.at('dir'), { recursive: true })
    rmSync(folder.at('file2dir'))
    folder.write('file2dir/new')
    const expected = [
      'dir',
      'dir/gone',
      'dir/x',
      'dir/x/gone',
      'edit',
      'file2dir',
      'file2dir/new',
      'gone',
      'kind',
      'mode',
      'touch',
    ]
    expect(run().paths.sort()).toEqual(expected)
    adopt(expected)
    expect(run().paths).toEqual([])
  })

  it('walks in the order of the index, whatever the names', () => {
    const name = fc.constantFrom(
      'a',
      'a-',
      'a.',
      'a0',
      'a b',
      'é',
      '\uffee',
      '\u{1f600}',
      '-',
      'A',
      'a\nb',
      "a'",
      '%',
      '_',
    )
    const path = fc.array(name, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(path, { maxLength: 12 }), fc.array(path, { maxLength: 4 }), (made, removed) => {
        for (const parts of made) {
          const blocked = parts.slice(1).some((_, at) => observeKind(parts.slice(0, at + 1).join('/')) === 'file')
          if (!blocked && observeKind(parts.join('/')) === undefined) folder.write(parts.join('/'))
        }
        adopt(run().paths)
        expect(run().paths).toEqual([])
        const before = new Set(index.below('', 10_000).map((row) => row.path))
        for (const parts of removed) rmSync(folder.at(parts.join('/')), { recursive: true, force: true })
        const vanished = [...before].filter((path) => observeKind(path) === undefined).sort()
        const found = run().paths.sort()
        expect(found).toEqual(vanished)
        adopt(found)
      }),
      { numRuns: 40 },
    )
  })

  const observeKind = (path: string): string | undefined => {
    const [seen] = observe(folder.root, [{ path }]).observations
    return seen !== undefined && 'disk' in seen ? seen.disk?.kind : undefined
  }

  it('reads more than one page of rows', () => {
    for (let at = 0; at < 2500; at++) folder.write(`d${at % 3}/f${at}`, '')
    adopt(run().paths)
    expect(run().paths).toEqual([])
    rmSync(folder.at('d1'), { recursive: true })
    expect(run().paths).toHaveLength(834)
  })

  it('does not report as vanished what has become ignored', () => {
    folder.write('a.iso')
    folder.write('iso/b')
    adopt(run().paths)
    expect(run({ ignore: ['*.iso', 'iso'] })).toEqual({ paths: [], problems: [] })
  })

  it('names what cannot be synchronised', () => {
    execFileSync('mkfifo', [folder.at('pipe')])
    execFileSync('bash', ['-c', `touch "${folder.root}"/$'bad\\xff'; mkdir "${folder.root}"/$'dir\\xfe'`])
    const { paths, problems } = run()
    expect(paths).toEqual([])
    expect(problems).toEqual([
      { path: 'bad\ufffd', code: 'bad_name', problem: 'the name is not valid UTF-8' },
      { path: 'dir\ufffd', code: 'bad_name', problem: 'the name is not valid UTF-8' },
      { path: 'pipe', code: 'unsupported', problem: 'it is a named pipe' },
    ])
  })

  it.skipIf(process.getuid?.() === 0)('does not report as vanished what cannot be read', () => {
    for (const path of ['closed/a', 'closed/b/c', 'closed-x', 'z']) folder.write(path)
    for (let at = 0; at < 1500; at++) folder.write(`closed/many/${at}`, '')
    adopt(run().paths)
    rmSync(folder.at('closed-x'))
    rmSync(folder.at('z'))
    chmodSync(folder.at('closed'), 0o300)
    try {
      const { paths, problems } = run()
      expect(problems).toMatchObject([{ path: 'closed', code: 'unreadable' }])
      expect(paths.sort()).toEqual(['closed', 'closed-x', 'z'])
    } finally {
      chmodSync(folder.at('closed'), 0o755)
    }
  })

  it('does not follow links', () => {
    folder.write('d/f')
    folder.link('loop', '.')
    folder.link('out', '/etc')
    expect(run().paths.sort()).toEqual(['d', 'd/f', 'loop', 'out'])
  })

  it('looks at one directory only', () => {
    for (const path of ['d/a', 'd/x/b', 'd-x', 'e']) folder.write(path)
    adopt(run().paths)
    for (const path of ['d/a', 'd-x', 'e']) rmSync(folder.at(path))
    folder.write('d/x/new')
    expect(run({ under: 'd' }).paths.sort()).toEqual(['d/a', 'd/x/new'])
    rmSync(folder.at('d'), { recursive: true })
    expect(run({ under: 'd' }).paths.sort()).toEqual(['d', 'd/a', 'd/x', 'd/x/b'])
    expect(run({ under: 'nothing' }).paths).toEqual([])
    expect(run({ under: 'e' }).paths).toEqual(['e'])
  })

  it('stops, and reports nothing vanished, when the folder is not there', () => {
    folder.write('a')
    adopt(run().paths)
    renameSync(folder.root, join(folder.base, 'moved'))
    expect(() => run()).toThrow(expect.objectContaining({ code: 'root_missing' }))
    mkdirSync(folder.root)
    expect(() => run()).toThrow(expect.objectContaining({ code: 'marker_gone' }))
    mkdirSync(folder.at('.spansync'))
    writeFileSync(folder.at('.spansync/folder.json'), '{"id":"other"}')
    expect(() => run()).toThrow(expect.objectContaining({ code: 'marker_foreign' }))
  })

  it('stops when the folder goes away while it is walked', () => {
    folder.write('a')
    folder.write('b/c')
    adopt(run().paths)
    const emitted: unknown[] = []
    const pullOut = (): void => {
      rmSync(folder.root, { recursive: true })
      mkdirSync(folder.root)
    }
    const task = { root: folder.root, folder: id, indexFile, ignore: [], under: undefined }
    const sink = { emit: (batch: unknown) => emitted.push(batch), checkAborted: pullOut }
    expect(() => scan(task, sink)).toThrow(expect.objectContaining({ code: 'marker_gone' }))
    expect(emitted).toEqual([])
  })
})
