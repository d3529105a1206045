import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rosterFile } from '../membership/roster-file.ts'
import { state } from '../membership/statement.ts'
import { loadIdentity } from '../transport/identity.ts'
import { runHere } from './testing.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'spansync-rotate-'))
})
afterEach(() => rm(home, { recursive: true }))

const run = (...args: string[]): ReturnType<typeof runHere> => runHere({ home, cwd: home }, args)

it('replaces the key where no agent runs', async () => {
  await run('init', '--name', 'a')
  const { id: before } = await loadIdentity(home)
  const { code, out } = await run('rotate', '--json')
  expect([code, JSON.parse(out)]).toEqual([0, { node: 'a', id: (await loadIdentity(home)).id, before }])
})

it('and there, too, keeps it when the list has no room for another', async () => {
  await run('init', '--name', 'a')
  const own = await loadIdentity(home)
  const statements = Array.from({ length: 1000 }, (_, at) => {
    const subject = at.toString(16).padStart(64, '0') as NodeId
    return state(own, { subject, name: `n-${at}`, addresses: [], state: 'member', version: 1, at: 0 })
  })
  writeFileSync(rosterFile(home), JSON.stringify({ version: 1, statements }))
  const { code, err } = await run('rotate')
  expect([code === 0, err]).toEqual([false, expect.stringContaining('no room for another key')])
  expect(await loadIdentity(home)).toEqual(own)
})
