import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findUnison, isNewEnough, parseVersion } from './version.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-v-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function fake(output: string): Promise<string> {
  const path = join(directory, 'unison')
  await writeFile(path, `#!/bin/sh\n${output}\n`)
  await chmod(path, 0o755)
  return path
}

describe('findUnison', () => {
  test('finds the one on this machine', async () => {
    const { path, version, series } = await findUnison()
    expect(path).toMatch(/^\/.*unison/)
    expect(version.startsWith(series)).toBe(true)
    expect(series).toMatch(/^2\.\d+$/)
  })
  test('a path that is not there', async () => {
    await expect(findUnison({ program: '/no/such/unison' })).rejects.toMatchObject({
      code: 'unison_missing',
      remedy: expect.stringContaining('apt install unison'),
    })
  })
  test('nothing on PATH', async () => {
    await expect(findUnison({ searchPath: directory })).rejects.toMatchObject({
      code: 'unison_missing',
      remedy: expect.stringContaining('brew install unison'),
    })
  })
  test('a version before the protocol changed', async () => {
    const program = await fake('echo "unison version 2.51.5 (ocaml 4.08)"')
    await expect(findUnison({ program })).rejects.toMatchObject({ code: 'unison_too_old' })
  })
  test('something that is not Unison', async () => {
    const program = await fake('echo hello')
    await expect(findUnison({ program })).rejects.toMatchObject({ code: 'unison_unusable' })
  })
  test('one that somebody kills just then is asked again', async () => {
    const killed = join(directory, 'killed')
    const program = await fake(`[ -e ${killed} ] || { touch ${killed}; kill -KILL $$; }\necho "unison version 2.52.1"`)
    expect(await findUnison({ program })).toMatchObject({ version: '2.52.1' })
  })
  test('one that dies each time is not asked for ever', async () => {
    const asked = join(directory, 'asked')
    const program = await fake(`echo >> ${asked}\nkill -KILL $$`)
    await expect(findUnison({ program })).rejects.toMatchObject({ code: 'unison_unusable' })
    expect((await stat(asked)).size).toBe(3)
  })
  test('something that fails', async () => {
    const program = await fake('exit 7')
    await expect(findUnison({ program })).rejects.toMatchObject({ code: 'unison_unusable' })
  })
})

test.each([
  ['unison version 2.52.1 (ocaml 4.13.1)', '2.52.1'],
  ['unison version 2.53 (ocaml 5.0)', '2.53'],
  ['Unison', undefined],
])('parseVersion(%j) is %j', (text, version) => {
  expect(parseVersion(text)).toBe(version)
})

test.each([
  ['2.51.99', false],
  ['2.52.0', true],
  ['2.53', true],
  ['3.0', true],
  ['1.99', false],
])('isNewEnough(%j) is %j', (version, enough) => {
  expect(isNewEnough(version)).toBe(enough)
})
