import { expect, test } from 'vitest'
import { written } from '../../testing/entries.ts'
import { type Effects, StepDriver } from '../../testing/step-driver.ts'
import type { Row } from '../causal/types.ts'
import type { EffectOf } from './events.ts'

const heldMs = 500

/** The answer to a read, of which all but the first `passed` rows have to wait. */
function answer(driver: StepDriver, read: EffectOf<'read_entries'>, passed: number): Effects {
  const { peer, id, since, knowledge, heard, limit } = read
  const { rows } = driver.index.since(since, knowledge, limit, heard)
  const { knowledge: own, digest } = driver.index.meta()
  const held = { toSeq: (rows[passed] as Row).seq - 1, complete: false, heldUntil: driver.now + heldMs }
  const found = { rows: rows.slice(0, passed), ...held }
  return driver.send({ kind: 'entries_read', peer, id, ...found, meta: { knowledge: own, digest } })
}

function met(): StepDriver {
  const driver = new StepDriver()
  driver.meet('b')
  return driver
}

test('what is held back is not told, and read again when its time has come, and not before', () => {
  const driver = met()
  const held = answer(driver, driver.edit('f', written('x')).one('read_entries'), 0)
  expect(held.find('send_entries')).toBeUndefined()
  expect(held.find('read_entries')).toBeUndefined()
  expect(held.one('wake').at).toBe(driver.now + heldMs)
  expect(driver.tick(heldMs - 1).find('read_entries')).toBeUndefined()
  const sent = driver.answerRead(driver.tick(1).one('read_entries'))
  expect(sent.one('send_entries')).toMatchObject({ complete: true, rows: [{ path: 'f' }] })
})

test('what came before it passes, as a page that is not the last', () => {
  const driver = met()
  driver.put('e', written('w'))
  driver.put('f', written('x'))
  const held = answer(driver, driver.observe('e', 'f').one('read_entries'), 1)
  expect(held.one('send_entries')).toMatchObject({ complete: false, rows: [{ path: 'e' }] })
  const sent = driver.answerRead(driver.tick(heldMs).one('read_entries'))
  expect(sent.one('send_entries')).toMatchObject({ complete: true, rows: [{ path: 'f' }] })
})

test('a change is read at once, and so is what may be held back no longer', () => {
  const driver = met()
  answer(driver, driver.edit('f', written('x')).one('read_entries'), 0)
  answer(driver, driver.edit('g', written('y')).one('read_entries'), 0)
  const sent = driver.answerRead(driver.send({ kind: 'held_changed' }).one('read_entries'))
  expect(sent.one('send_entries').rows).toHaveLength(2)
  expect(driver.send({ kind: 'held_changed' }).find('read_entries')).toBeUndefined()
})
