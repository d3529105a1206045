import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from '../runtime/fake-clock.ts'
import { editConfig } from './edit.ts'
import { createConfig, loadConfig } from './file.ts'
import { ConfigError } from './problems.ts'
import { initialConfig } from './template.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-config-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const file = () => join(home, 'config.yaml')
const text = () => readFileSync(file(), 'utf8')
const id = 'a'.repeat(64)

test('edits keep comments, blank lines and the order of what is there', async () => {
  writeFileSync(
    file(),
    `# top\nname: laptop # mine\n\n# people\npeers:\n  # the old one\n  nas: { id: ${id} }\n\n# data\nfolders: {} # none yet\n# the end\n`,
  )
  await editConfig(home, (editor) => {
    editor.set(['folders', 'docs'], { path: '/d', with: undefined, ignore: ['-x'] })
    editor.set(['name'], 'desk')
    editor.set(['peers', 'nas', 'metered'], true)
  })
  const edited = text()
  for (const comment of ['# top', '# mine', '# people', '# the old one', '# data', '# the end'])
    expect(edited).toContain(comment)
  expect(edited).toContain('name: desk # mine')
  expect(edited).not.toContain('with')
  expect(loadConfig(home)).toMatchObject({
    name: 'desk',
    peers: { nas: { metered: true } },
    folders: { docs: { ignore: ['-x'] } },
  })
  expect(await editConfig(home, (editor) => editor.remove(['peers', 'nas']))).toBe(true)
  expect(await editConfig(home, (editor) => editor.remove(['peers', 'nas']))).toBe(false)
  expect(text()).toContain('# data')
})

test('long lines are not folded', async () => {
  const path = `/${'long name '.repeat(30)}end`
  await createConfig(home, 'name: a\n')
  await editConfig(home, (editor) => editor.set(['folders', 'docs'], { path }))
  expect(text()).toContain(`path: ${path}\n`)
})

test('the first configuration is valid, explains itself, and can be edited', async () => {
  await createConfig(join(home, 'new'), initialConfig({ name: 'laptop', listen: '0.0.0.0:22070' }))
  home = join(home, 'new')
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(statSync(home).mode & 0o777).toBe(0o700)
  await editConfig(home, (editor) => editor.set(['coordinator'], { url: 'tls://nas:4222' }))
  await editConfig(home, (editor) => editor.set(['peers', 'nas'], { id }))
  expect(loadConfig(home)).toMatchObject({
    name: 'laptop',
    listen: '0.0.0.0:22070',
    coordinator: { url: 'tls://nas:4222' },
  })
  expect(text()).toMatch(/# +persistentPairs: 4 +# How many/)
})

test('a file with problems is not touched, and no edit may make any', async () => {
  writeFileSync(file(), 'name: a\npeeers: {}\n')
  await expect(editConfig(home, (editor) => editor.set(['mode'], 'auto'))).rejects.toThrow(ConfigError)
  expect(text()).toBe('name: a\npeeers: {}\n')
  writeFileSync(file(), 'name: a\n')
  await expect(editConfig(home, (editor) => editor.set(['mode'], 'wrong'))).rejects.toThrow(ConfigError)
  expect(text()).toBe('name: a\n')
  expect(readdirSync(home)).toEqual(['config.yaml'])
})

test('an edit that changes nothing does not touch the file', async () => {
  writeFileSync(file(), 'name:    a   # odd   blanks\n')
  utimesSync(file(), 1, 1)
  await editConfig(home, (editor) => editor.set(['name'], 'a'))
  expect(statSync(file()).mtimeMs).toBe(1000)
})

test('edits at the same time lose nothing', async () => {
  await createConfig(home, 'name: a\n')
  const names = Array.from({ length: 20 }, (_, i) => `peer${i}`)
  await Promise.all(
    names.map((name, i) =>
      editConfig(home, (editor) => editor.set(['peers', name], { id: String(i).padStart(64, '0') })),
    ),
  )
  expect(Object.keys(loadConfig(home).peers).toSorted()).toEqual(names.toSorted())
})

test('what a killed command has left behind is waited for, then replaced', async () => {
  await createConfig(home, 'name: a\n')
  writeFileSync(`${file()}.new`, 'half a fi')
  const clock = new FakeClock(statSync(`${file()}.new`).mtimeMs)
  const edited = editConfig(home, (editor) => editor.set(['name'], 'b'), clock)
  await clock.whenSleeping()
  expect(loadConfig(home).name).toBe('a')
  await clock.advance(11_000)
  await edited
  expect(loadConfig(home).name).toBe('b')
})

test('a link to a file elsewhere stays a link', async () => {
  writeFileSync(join(home, 'real.yaml'), 'name: a\n')
  symlinkSync('real.yaml', file())
  await editConfig(home, (editor) => editor.set(['name'], 'b'))
  expect(readFileSync(join(home, 'real.yaml'), 'utf8')).toBe('name: b\n')
})

test('without a file the remedy is init', () => {
  expect(() => loadConfig(home)).toThrow(expect.objectContaining({ code: 'not_initialised', exitCode: 2 }))
})
