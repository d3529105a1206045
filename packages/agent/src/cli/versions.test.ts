import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { moveOut } from '../disk/keep.ts'
import { runHere } from './testing.ts'
import { formatMoment } from './version-time.ts'

let base: string
let home: string
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-versions-'))
  home = join(base, 'home')
  await spansync('init', '--name', 'laptop')
  await spansync('folder', 'add', 'docs', 'docs')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)
const docs = (path = '.'): string => join(base, 'docs', path)
const noon = new Date(2026, 10, 26, 12).getTime()

/** `minute` after noon a sync overwrote this. */
function kept(path: string, content: string, minute: number, folder = 'docs'): void {
  const full = join(base, 'leaving')
  writeFileSync(full, content)
  moveOut(full, { directory: join(home, 'versions', folder), atMs: noon + minute * 60_000, path })
}

function write(path: string, content: string): void {
  mkdirSync(dirname(docs(path)), { recursive: true })
  writeFileSync(docs(path), content)
}

const pathsIn = (json: string): string[] => (JSON.parse(json) as { path: string }[]).map(({ path }) => path)

describe('versions', () => {
  test('lists what was kept, the newest first, in a table or as JSON', async () => {
    expect(await spansync('versions')).toMatchObject({ code: 0, out: 'nothing has been kept\n' })
    kept('letters/dear.txt', 'one', 1)
    kept('letters/dear.txt', 'other', 2)
    kept('top', 'x', 3)
    const { out } = await spansync('versions')
    expect(out.match(/dear|top/g)).toEqual(['top', 'dear', 'dear'])
    expect(out).toContain('2026-11-26 12:02:00.000')
    expect(pathsIn((await spansync('versions', '--json')).out)).toEqual(['top', 'letters/dear.txt', 'letters/dear.txt'])
    expect(JSON.parse((await spansync('versions', 'top', '--json')).out)).toMatchObject([
      {
        folder: 'docs',
        path: 'top',
        kind: 'file',
        bytes: 1,
        keptAtMs: noon + 180_000,
        at: new Date(noon + 180_000).toISOString(),
      },
    ])
  })

  test('of a path within its folder, or an absolute one in a replica', async () => {
    kept('letters/dear.txt', 'one', 1)
    kept('top', 'x', 3)
    for (const path of ['letters', './letters/', 'letters/dear.txt', docs('letters')]) {
      expect(pathsIn((await spansync('versions', path, '--json')).out), path).toEqual(['letters/dear.txt'])
    }
    expect(pathsIn((await spansync('versions', docs(), '--json')).out)).toHaveLength(2)
    expect(await spansync('versions', '/elsewhere')).toMatchObject({ code: 2, err: /is in no folder/ })
    expect(await spansync('versions', '../docs/top')).toMatchObject({ code: 2 })
    expect(await spansync('versions', 'top', '--folder', 'doc')).toMatchObject({ code: 2, err: /did you mean `docs`/ })
  })
})

describe('versions restore', () => {
  test('brings back what a file was at a time, as an edit made now, and keeps what is there', async () => {
    kept('letters/dear.txt', 'one', 1)
    kept('letters/dear.txt', 'two', 5)
    write('letters/dear.txt', 'three')
    const at = (minute: number): string => formatMoment(noon + minute * 60_000)
    expect(await spansync('versions', 'restore', 'letters/dear.txt', '--at', at(1))).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(docs('letters/dear.txt'), 'utf8')).toBe('one')
    expect(statSync(docs('letters/dear.txt')).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
    await spansync('versions', 'restore', docs('letters/dear.txt'), '--at', at(2))
    expect(readFileSync(docs('letters/dear.txt'), 'utf8')).toBe('two')
    expect(pathsIn((await spansync('versions', '--json')).out)).toHaveLength(4)
    const unchanged = await spansync('versions', 'restore', 'letters/dear.txt', '--at', '2999-01-01')
    expect(unchanged).toMatchObject({ code: 1, err: /has been replaced since/ })
  })

  test('of a directory: each file as it was, with the directories that are gone', async () => {
    kept('d/e/a', 'a', 1)
    kept('d/b', 'b1', 1)
    kept('d/b', 'b2', 3)
    kept('other', 'o', 1)
    const { code, out } = await spansync('versions', 'restore', 'd', '--at', '2026-11-26 12:00')
    expect({ code, lines: out.trim().split('\n').length }).toEqual({ code: 0, lines: 2 })
    expect([readFileSync(docs('d/e/a'), 'utf8'), readFileSync(docs('d/b'), 'utf8')]).toEqual(['a', 'b1'])
    expect(readdirSync(docs())).not.toContain('other')
  })

  test('elsewhere with --to, where nothing is overwritten', async () => {
    kept('d/e/a', 'a', 1)
    const args = ['versions', 'restore', 'd/e', '--at', '2026-11-26', '--to', 'out']
    expect(await spansync(...args)).toMatchObject({ code: 0 })
    expect(readFileSync(join(base, 'out/e/a'), 'utf8')).toBe('a')
    expect(readdirSync(docs())).toEqual(['.spansync'])
    expect(await spansync(...args)).toMatchObject({ code: 1, err: /something is there already/ })
  })

  test('says what it cannot do', async () => {
    kept('d', 'a file once', 1)
    write('d/now', 'a directory now')
    expect(await spansync('versions', 'restore', 'd', '--at', '2026-11-26')).toMatchObject({
      code: 1,
      err: /a directory is there now[\s\S]*--to/,
    })
    kept('link/f', 'x', 2)
    symlinkSync(base, docs('link'))
    expect(await spansync('versions', 'restore', 'link/f', '--at', '2026-11-26')).toMatchObject({ code: 1 })
    expect(readdirSync(base)).not.toContain('f')
    expect(await spansync('versions', 'restore', 'none', '--at', '2026-11-26')).toMatchObject({ code: 2 })
    expect(await spansync('versions', 'restore', 'd', '--at', 'soon')).toMatchObject({ code: 2, err: /is not a time/ })
    expect(await spansync('versions', 'restore', 'd')).toMatchObject({ code: 2, err: /--at/ })
  })

  test('a path that two folders have kept needs --folder', async () => {
    await spansync('folder', 'add', 'work', 'work')
    kept('f', 'of docs', 1)
    kept('f', 'of work', 1, 'work')
    const args = ['versions', 'restore', 'f', '--at', '2026-11-26']
    expect(await spansync(...args)).toMatchObject({ code: 2, err: /--folder/ })
    expect(await spansync(...args, '--folder', 'work')).toMatchObject({ code: 0 })
    expect(readFileSync(join(base, 'work/f'), 'utf8')).toBe('of work')
  })
})
