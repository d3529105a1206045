import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Observation } from '@spansync/common/ports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observe } from './observe.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')
const look = (...paths: string[]): Observation[] =>
  observe(
    folder.root,
    paths.map((path) => ({ path })),
  ).observations
const lookOne = (path: string): Observation => look(path)[0] as Observation

describe('observe', () => {
  it('sees a file with its hash, time and permissions', () => {
    folder.write('a/b', 'content')
    chmodSync(folder.at('a/b'), 0o640)
    utimesSync(folder.at('a/b'), 1_700_000_000.123456, 1_700_000_000.123456)
    expect(lookOne('a/b')).toEqual({
      path: 'a/b',
      disk: {
        kind: 'file',
        size: 7,
        mtimeUs: 1_700_000_000_123_456,
        mode: 0o640,
        hash: sha256('content'),
        stat: folder.signature('a/b'),
      },
    })
  })

  it.each([0, 1, 1 << 20, (1 << 20) + 1, 3 << 20])('hashes a file of %i bytes', (size) => {
    const content = Buffer.alloc(size, 'abc')
    folder.write('big', content)
    expect(lookOne('big')).toMatchObject({ disk: { size, hash: sha256(content) } })
  })

  it('sees directories, links and absence', () => {
    folder.write('d/f')
    folder.link('l', 'some where/é')
    expect(lookOne('d')).toMatchObject({ disk: { kind: 'dir', size: 0, mtimeUs: 0, hash: '', mode: 0o755 } })
    expect(lookOne('l')).toMatchObject({ disk: { kind: 'symlink', mode: 0, hash: sha256('some where/é') } })
    expect(look('none', 'd/none', 'none/x', 'd/f/x')).toEqual(
      ['none', 'd/none', 'none/x', 'd/f/x'].map((path) => ({ path, disk: undefined })),
    )
  })

  it('does not look through a link', () => {
    folder.write('d/f')
    symlinkSync('d', folder.at('l'))
    expect(lookOne('l/f')).toEqual({ path: 'l/f', disk: undefined })
  })

  it.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a\0', '.spansync/folder.json', 'x'.repeat(5000)])(
    'refuses the path %j',
    (path) => expect(lookOne(path)).toMatchObject({ code: 'bad_name' }),
  )

  it('names what cannot be synchronised', async () => {
    execFileSync('mkfifo', [folder.at('pipe')])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(folder.at('socket'), resolve))
    expect(lookOne('pipe')).toMatchObject({ code: 'unsupported', problem: 'it is a named pipe' })
    expect(lookOne('socket')).toMatchObject({ code: 'unsupported', problem: 'it is a socket' })
    await new Promise((resolve) => server.close(resolve))
  })

  it('reports a name that the file system cannot hold', () => {
    expect(lookOne('n'.repeat(300))).toMatchObject({ code: 'bad_name' })
  })

  it('takes the known hash when the signature is the same, and reads when it is not', () => {
    folder.write('a', 'content')
    const known = { kind: 'file', hash: 'f'.repeat(64), stat: folder.signature('a') } as const
    const hashWith = (stat: typeof known.stat): unknown =>
      observe(folder.root, [{ path: 'a', known: { ...known, stat } }]).observations
    expect(hashWith(known.stat)).toMatchObject([{ disk: { hash: known.hash } }])
    expect(hashWith({ ...known.stat, ctimeUs: known.stat.ctimeUs + 1 })).toMatchObject([
      { disk: { hash: sha256('content') } },
    ])
    expect(hashWith({ ...known.stat, inode: 1 })).toMatchObject([{ disk: { hash: sha256('content') } }])
  })

  it('does not read what the rules for files leave out, and looks at everything else', () => {
    folder.write('small.pdf', 'x')
    folder.write('large.pdf', 'x'.repeat(100))
    folder.write('small.txt', 'x')
    folder.write('d/inside')
    const look = (shared?: 'file' | 'dir'): (string | undefined)[] => {
      const requests = ['small.pdf', 'large.pdf', 'small.txt', 'd', 'gone.txt'].map((path) => ({ path, shared }))
      const { observations } = observe(folder.root, requests, { files: [{ include: ['*.pdf'] }, { maxSize: 99 }] })
      return observations.map((seen) => ('code' in seen ? seen.code : seen.disk?.kind))
    }
    expect(look()).toEqual(['file', 'unwanted', 'unwanted', 'dir', undefined])
    expect(look('file'), 'what is shared may grow').toEqual(['file', 'file', 'unwanted', 'dir', undefined])
    expect(look('dir'), 'in place of a directory').toEqual(['file', 'file', 'file', 'dir', undefined])
  })

  it('leaves files above a limit for later', () => {
    folder.write('small', 'x')
    folder.write('large', 'x'.repeat(100))
    const { observations, later } = observe(folder.root, [{ path: 'small' }, { path: 'large' }], { mostBytes: 50 })
    expect(observations.map(({ path }) => path)).toEqual(['small'])
    expect(later).toEqual([{ path: 'large' }])
  })

  it('does not believe content read within the tick of its last change', () => {
    // The second write leaves size and inode alone; without waiting for the tick to end both could have one signature.
    for (let round = 0; round < 20; round++) {
      folder.write('a', 'one')
      const first = lookOne('a')
      folder.write('a', 'two')
      const known = 'disk' in first ? first.disk : undefined
      const again = observe(folder.root, [{ path: 'a', known }]).observations[0]
      expect(again).toMatchObject({ disk: { hash: sha256('two') } })
    }
  })

  it('says nothing about absence when the marker is gone', () => {
    folder.write('a')
    rmSync(folder.at('.spansync'), { recursive: true })
    expect(lookOne('a')).toMatchObject({ disk: { kind: 'file' } })
    expect(() => look('a', 'b')).toThrow(expect.objectContaining({ code: 'marker_gone' }))
    renameSync(folder.root, join(folder.base, 'moved'))
    expect(() => look('a')).toThrow(expect.objectContaining({ code: 'root_missing' }))
  })

  it('is not fooled by a file that shrinks', () => {
    folder.write('a', 'x'.repeat(1000))
    truncateSync(folder.at('a'), 10)
    expect(lookOne('a')).toMatchObject({ disk: { size: 10, hash: sha256('x'.repeat(10)) } })
  })
})
