import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runHere } from './testing.ts'

let base: string
let home: string
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-folder-'))
  home = join(base, 'home')
  await spansync('init', '--name', 'laptop')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)
const config = () => readFileSync(join(home, 'config.yaml'), 'utf8')

test('add makes the directory and its marker, list and remove follow', async () => {
  const added = await spansync('folder', 'add', 'docs', 'my docs', '--ignore', '-*.iso', '--ignore', '*.tmp')
  expect(added).toMatchObject({ code: 0, err: '' })
  expect(existsSync(join(base, 'my docs', '.spansync'))).toBe(true)
  const listed = JSON.parse((await spansync('folder', 'list', '--json')).out) as unknown
  expect(listed).toMatchObject([{ id: 'docs', path: join(base, 'my docs'), ignore: ['-*.iso', '*.tmp'] }])
  expect(await spansync('folder', 'add', 'dash', '--', '-x')).toMatchObject({ code: 0 })
  expect(existsSync(join(base, '-x', '.spansync'))).toBe(true)
  writeFileSync(join(base, 'my docs', 'file'), 'x')
  expect(await spansync('folder', 'remove', 'docs')).toMatchObject({ code: 0 })
  expect(existsSync(join(base, 'my docs', 'file'))).toBe(true)
  expect(config()).not.toContain('my docs')
  expect(await spansync('folder', 'remove', 'docs')).toMatchObject({ code: 2, err: /unknown folder/ })
  expect(await spansync('folder', 'approve', 'dash')).toMatchObject({ code: 3 })
  expect(await spansync('folder', 'approve', 'nope')).toMatchObject({ code: 2 })
})

test('what cannot be right is refused, and leaves nothing behind', async () => {
  mkdirSync(join(base, 'docs'))
  symlinkSync(join(base, 'docs'), join(base, 'link'))
  writeFileSync(join(base, 'file'), '')
  await spansync('folder', 'add', 'docs', 'docs')
  const before = config()
  const refused: [string[], number, string][] = [
    [['docs', 'other'], 2, 'there is a folder `docs` already'],
    [['in', 'docs/in'], 2, 'folder `in` is inside folder `docs`'],
    [['out', '.'], 2, 'folder `docs` is inside folder `out`'],
    [['same', 'link'], 2, 'are the same directory'],
    [['under', 'link/x'], 2, 'is inside folder `docs`'],
    [['own', 'home/x'], 2, "is inside spansync's own directory"],
    [['far', 'no/such/parent'], 1, 'is not a directory'],
    [['file', 'file'], 1, 'is not a directory'],
    [['new', 'new', '--with', 'nobody'], 2, 'unknown peer `nobody`'],
    [['a/b', 'new'], 2, 'cannot be the id of a folder'],
    [['new', ''], 2, 'the path is empty'],
  ]
  const outcomes = await Promise.all(refused.map(([args]) => spansync('folder', 'add', ...args)))
  for (const [i, { code, err }] of outcomes.entries()) {
    expect.soft({ code, err }).toEqual({ code: refused[i]?.[1], err: expect.stringContaining(refused[i]?.[2] ?? '') })
  }
  expect(config()).toBe(before)
  for (const path of ['other', 'docs/in', 'new', 'home/x']) expect(existsSync(join(base, path))).toBe(false)
})

test('adding one again makes a lost marker anew', async () => {
  await spansync('folder', 'add', 'docs', 'docs')
  rmSync(join(base, 'docs', '.spansync'), { recursive: true })
  expect(await spansync('folder', 'add', 'docs', 'docs')).toMatchObject({ code: 0, out: /was there already/ })
  expect(existsSync(join(base, 'docs', '.spansync'))).toBe(true)
})
