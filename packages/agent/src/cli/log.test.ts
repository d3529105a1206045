import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { historyFileOf, openLinkHistory } from '../history/link-history.ts'
import { saveRoster } from '../membership/roster-file.ts'
import { createIdentity, replaceIdentity } from '../transport/identity.ts'
import { runHere } from './testing.ts'

let base: string
let home: string
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-log-'))
  home = join(base, 'home')
  await spansync('init', '--name', 'laptop')
  await spansync('peer', 'add', 'server', '192.0.2.1:22070', '--id', 'ab'.repeat(32))
  await spansync('peer', 'add', 'phone', '--id', 'cd'.repeat(32))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const spansync = (...args: string[]) => runHere({ home, cwd: base }, args)

const server = { peer: 'ab'.repeat(32) as NodeId, name: 'server', address: '192.0.2.1:22070' }
const phone = { peer: 'cd'.repeat(32) as NodeId, name: 'phone' }

async function happen(): Promise<void> {
  const clock = new FakeClock(Date.now() - 4000)
  using history = openLinkHistory({ file: historyFileOf(home), clock, log: silentLogger })
  history.note({ ...server, what: 'up' })
  await clock.advance(1000)
  history.note({ ...server, what: 'down', code: 'connection_lost', message: 'the connection was lost' })
  history.note({ ...phone, what: 'failed', code: 'unreachable', message: 'nobody\u001b[2J is there' })
}

test('log shows what happened to each link, without an agent', async () => {
  expect((await spansync('log')).out).toBe('nothing has happened to any link yet\n')
  await happen()
  const { code, out } = await spansync('log')
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^TIME +LINK +EVENT +ADDRESS +REASON$/)
  expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +server +up +192\.0\.2\.1:22070$/)
  expect(lines[2]).toMatch(/server +down +192\.0\.2\.1:22070 +the connection was lost$/)
  expect(lines[3]).toMatch(/phone +failed +nobody.*is there$/)
  expect(out).not.toContain('\u001b')
  expect((await spansync('log', '--peer', 'phone', '--limit', '5')).out).not.toContain('server')
})

test('log --json adds up how long each link was up', async () => {
  await happen()
  const { links, events } = JSON.parse((await spansync('log', '--json', '--limit', '1')).out)
  expect(events).toMatchObject([{ node: 'phone', event: 'failed', code: 'unreachable' }])
  expect(links).toMatchObject([
    { node: 'server', up: false },
    { node: 'phone', up: false, availability: 0 },
  ])
  expect(links[0].availability).toBeGreaterThan(0.1)
  expect(links[0].availability).toBeLessThan(0.3)
})

test('log goes on where a peer has got a new key', async () => {
  const identities = join(base, 'server')
  const before = await createIdentity(identities)
  const { after } = await replaceIdentity(identities)
  await spansync('peer', 'add', 'nas', '--id', after.id)
  const certificate = new X509Certificate(after.cert).raw.toString('base64')
  const rotations = new Map([[after.id, { subject: after.id, replaces: before.id, certificate }]])
  saveRoster(home, { takesPart: false, roster: { statements: new Map(), rotations } })
  const clock = new FakeClock(Date.now() - 4000)
  {
    using history = openLinkHistory({ file: historyFileOf(home), clock, log: silentLogger })
    history.note({ peer: before.id, name: 'nas', what: 'up' })
    await clock.advance(1000)
    history.note({ peer: before.id, name: 'nas', what: 'down', code: 'peer_removed' })
    history.note({ peer: after.id, name: 'nas', what: 'failed', code: 'unreachable' })
  }
  expect((await spansync('log', '--peer', 'nas')).out).toMatch(/up.*\n.*down.*\n.*failed/)
  const { links } = JSON.parse((await spansync('log', '--json')).out)
  expect(links).toMatchObject([{ node: 'nas', id: after.id, up: false }])
  expect(links[0].availability).toBeGreaterThan(0.1)
})

test('log knows only peers, and counts', async () => {
  expect((await spansync('log', '--peer', 'servr')).err).toContain('did you mean `server`?')
  expect((await spansync('log', '--limit', 'x')).err).toContain('`x` is not a count')
})
