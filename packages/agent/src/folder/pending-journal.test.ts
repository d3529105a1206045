import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { fetchItem, file } from '@spansync/common/testing/entries'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PendingJournal } from './pending-journal.ts'

const peer = 'b' as NodeId
const one = file('one', '1', { 'b.1': 1 })
const two = file('two', '2', { 'b.1': 2 })
const directory = { ...file('d', '', { 'b.1': 3 }), kind: 'dir' as const }

let home: string
const open = (): PendingJournal => new PendingJournal(join(home, 'f.sqlite'))

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-journal-'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('nothing was under way', () => {
  expect(open().cutOff.isEmpty).toBe(true)
  expect(open().cutOff.brought('one')).toBeUndefined()
})

test('a session that was cut off, with what it may have copied along', async () => {
  await open().begin(peer, [fetchItem(one), fetchItem(directory)], ['d'])
  const next = open()
  expect(next.cutOff.brought('one')).toEqual({ peer, entry: one })
  expect(next.cutOff.brought('d/below/it')).toEqual({ peer, entry: undefined })
  expect(next.cutOff.brought('other')).toBeUndefined()
})

test('a session that has ended leaves nothing, and does not take the next one´s along', async () => {
  const journal = open()
  const first = await journal.begin(peer, [fetchItem(one)], [])
  await journal.begin(peer, [fetchItem(two)], [])
  first()
  const next = open()
  expect(next.cutOff.brought('one')).toBeUndefined()
  expect(next.cutOff.brought('two')).toMatchObject({ peer })
})

test('a second crash before all was looked at takes nothing away; the end of that does', async () => {
  await open().begin(peer, [fetchItem(one)], [])
  await open().begin(peer, [fetchItem(two)], [])
  const next = open()
  expect([next.cutOff.brought('one'), next.cutOff.brought('two')]).toMatchObject([{ peer }, { peer }])
  next.forget()
  expect(next.cutOff.isEmpty).toBe(true)
  expect(readdirSync(home)).toEqual([])
})

test('what the crash cut off in the middle of a line is left out', () => {
  writeFileSync(join(home, 'f.sqlite.pending-7'), '{"peer":"b","entr')
  expect(open().cutOff.isEmpty).toBe(true)
})
