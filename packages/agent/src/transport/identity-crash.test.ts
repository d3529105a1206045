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
/** Replaces the key of one home after the other, and says so after each. */
const program = `
const { replaceIdentity } = await import(${JSON.stringify(source)})
for (const home of process.argv.slice(1)) {
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
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const done = new Set<string>()
    const exited = once(child, 'exit')
    for await (const line of createInterface({ input: child.stdout })) {
      done.add(line)
      // Somewhere in the next one.
      if (done.size === 3 + round * 5) setTimeout(() => child.kill('SIGKILL'), Math.random() * 20)
    }
    await exited
    expect(done.size).toBeLessThan(homes)
    for (const home of all) {
      const found = await loadIdentity(home)
      const replaced = lineageOf(certificateOf(found)).map(({ replaces }) => replaces)
      expect(found.id === old.id ? [] : replaced).toEqual(found.id === old.id ? [] : [old.id])
      if (done.has(home)) expect(found.id).not.toBe(old.id)
    }
  }
})
