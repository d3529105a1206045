import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NodeId } from '../../core/causal/types.ts'
import { createLogger } from '../../runtime/logger.ts'
import { type Credentials, createCredentials, publicKeyOf, readCredentials, writeCredentials } from './credentials.ts'

const node = 'ab'.repeat(32) as NodeId
let directory = ''
let file = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-credentials-'))
  file = join(directory, 'laptop.creds')
})

afterEach(() => rm(directory, { recursive: true, force: true }))

test('what is written is read again, and only its owner can read it', async () => {
  const made = createCredentials({ node, name: 'laptop', server: null })
  await writeCredentials(file, made)
  const read = await readCredentials(file)
  expect(read).toMatchObject({ node, name: 'laptop', server: null })
  expect(read.seed.reveal()).toBe(made.seed.reveal())
  expect(publicKeyOf(read)).toMatch(/^U[A-Z2-7]{55}$/)
  expect(publicKeyOf(read)).toBe(publicKeyOf(made))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, seed: expect.stringMatching(/^SU/) })
})

test('each has a key of its own', () => {
  const [one, two] = [
    createCredentials({ node, name: 'a', server: null }),
    createCredentials({ node, name: 'a', server: null }),
  ]
  expect(publicKeyOf(one)).not.toBe(publicKeyOf(two))
})

test('a file that others can get at is refused', async () => {
  await writeCredentials(file, createCredentials({ node: 'coordinator', name: 'home', server: null }))
  await chmod(file, 0o640)
  await expect(readCredentials(file)).rejects.toMatchObject({
    code: 'credentials_exposed',
    remedy: expect.stringContaining(`chmod 600 ${file}`),
  })
})

test('no file', async () => {
  await expect(readCredentials(file)).rejects.toMatchObject({ code: 'credentials_missing' })
})

const valid = { version: 1, node, name: 'laptop', server: null }

test.each([
  ['not JSON', (_seed: string) => `{"seed": "SU`],
  ['a seed that is none', (seed: string) => JSON.stringify({ ...valid, seed: mistyped(seed) })],
  ['a node that is none', (seed: string) => JSON.stringify({ ...valid, seed, node: 'laptop' })],
  ['a certificate that is none', (seed: string) => JSON.stringify({ ...valid, seed, server: '-----BEGIN' })],
  ['a newer version', (seed: string) => JSON.stringify({ ...valid, seed, version: 2 })],
  ['an unknown key', (seed: string) => JSON.stringify({ ...valid, seed, color: 'red' })],
])('%s is refused without showing the seed', async (_name, text) => {
  const seed = createCredentials({ node, name: 'laptop', server: null }).seed.reveal()
  await writeFile(file, text(seed), { mode: 0o600 })
  const error: unknown = await readCredentials(file).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'credentials_damaged' })
  expect(inspect(error)).not.toContain(seed.slice(0, 20))
})

test('the seed is in no log', () => {
  const lines: string[] = []
  const credentials: Credentials = createCredentials({ node, name: 'laptop', server: null })
  createLogger({ destination: { write: (line) => lines.push(line) } }).info({ credentials }, `with ${credentials.seed}`)
  const seen = [...lines, inspect(credentials, { depth: 5, showHidden: true })].join()
  expect(seen).toContain('[secret]')
  expect(seen).not.toContain(credentials.seed.reveal())
})

function mistyped(seed: string): string {
  return `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`
}
