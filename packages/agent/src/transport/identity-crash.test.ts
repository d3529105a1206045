import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { certificateOf } from '../membership/statement.ts'
import { createIdentity, loadIdentity } from './identity.ts'

const homes = 40
const kills = 4
const source = fileURLToPath(new URL('./identity.ts', import.meta.url))
/** So many homes ahead of what was read of it. */
const ahead = 10
/** Replaces the key of one home after the other, each when there is a line for it, and says so after each. */
const program = `
const { replaceIdentity } = await import(${JSON.stringify(source)})
const { createInterface } = await import('node:readline')
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
for (const home of process.argv.slice(1)) {
  await lines.next()
  await replaceIdentity(home)
  console.log(home)
}`

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'spansync-identity-crash-'))
})
afterEach(() => rm(base, { recursive: true }))

it('killed at any moment, it leaves the old identity or the new one', async () => {
  const old = await createIdentity(join(base, 'old'))
  for (let round = 0; round < kills; round++) {
    const all = Array.from({ length: homes }, (_, at) => join(base, `${round}-${at}`))
    for (const home of all) await cp(join(base, 'old'), home, { recursive: true })
    const argv = ['--conditions=spansync-source', '--input-type=module', '-e', program, ...all]
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    const done = new Set<string>()
    const exited = once(child, 'exit')
    const last = 3 + round * 5
    child.stdin.write('\n'.repeat(ahead))
    for await (const line of createInterface({ input: child.stdout })) {
      done.add(line)
      // Then it stops before it has done all, however late it is killed.
      if (done.size < last) child.stdin.write('\n')
      // Somewhere in the next one.
      if (done.size === last) setTimeout(() => child.kill('SIGKILL'), Math.random() * 20)
    }
    const [, signal] = await exited
    expect(signal).toBe('SIGKILL')
    expect(done.size).toBeLessThan(homes)
    for (const home of all) {
      const found = await loadIdentity(home)
      const replaced = lineageOf(certificateOf(found)).map(({ replaces }) => replaces)
      expect(found.id === old.id ? [] : replaced).toEqual(found.id === old.id ? [] : [old.id])
      if (done.has(home)) expect(found.id).not.toBe(old.id)
    }
  }
})
