import { describe, expect, it } from 'vitest'
import { file, written } from '../../testing/entries.ts'
import { met, StepDriver } from '../../testing/step-driver.ts'
import type { NodeId } from '../causal/types.ts'
import { type Door, doors } from './state.ts'

const b = 'b' as NodeId
const setDoor = (driver: StepDriver, door: Door) => driver.send({ kind: 'door_set', peer: b, door })

describe.each(doors)('a door that is %s', (door) => {
  const gives = door === 'open' || door === 'gives'
  const takes = door === 'open' || door === 'takes'

  it('lets what the peer has come here, or not', () => {
    const driver = met('b')
    setDoor(driver, door)
    expect(driver.entries('b', [file('f', 'x', { 'b.1': 1 })]).find('fetch') !== undefined).toBe(takes)
  })

  it('lets what is here go to the peer, or not, which is told of the door', () => {
    const driver = met('b')
    driver.answerAll(setDoor(driver, door))
    const effects = driver.answerAll(driver.edit('f', written('x')))
    expect(effects.some(({ kind }) => kind === 'send_entries')).toBe(gives)
  })

  it('is the same when it is the peer´s, the other way round', () => {
    const driver = met('b')
    driver.answerAll(driver.summary('b', { door }))
    const sent = driver.answerAll(driver.edit('f', written('x')))
    expect(sent.some(({ kind }) => kind === 'send_entries')).toBe(takes)
    expect(driver.entries('b', [file('g', 'x', { 'b.1': 1 })]).find('fetch') !== undefined).toBe(gives)
  })
})

describe('a door that shuts while the index is read', () => {
  it('lets nothing of it go, and all of it when it opens again', () => {
    const driver = met('b')
    const read = driver.edit('f', written('x')).find('read_entries')
    if (!read) throw new Error('nothing is read')
    setDoor(driver, 'shut')
    const sent = driver.answerAll(driver.answerRead(read))
    expect(sent.map(({ kind }) => kind)).not.toContain('send_entries')
    expect(sent.find(({ kind }) => kind === 'send_summary')).toMatchObject({ door: 'shut', complete: false })
    const told = driver.answerAll(setDoor(driver, 'open'))
    expect(told.find(({ kind }) => kind === 'send_entries')).toMatchObject({ rows: [{ path: 'f' }] })
  })
})

describe('a door that opens', () => {
  it('lets everything pass that waited', () => {
    const driver = met('b')
    driver.answerAll(setDoor(driver, 'shut'))
    driver.answerAll(driver.edit('f', written('x')))
    driver.entries('b', [file('g', 'x', { 'b.1': 1 })])
    const opened = setDoor(driver, 'open')
    expect(opened.find('fetch')).toMatchObject({ items: [{ entry: { path: 'g' } }] })
    const told = driver.answerAll(opened)
    expect(told.find(({ kind }) => kind === 'send_entries')).toMatchObject({ rows: [{ path: 'f' }] })
    expect(told.find(({ kind }) => kind === 'send_summary')).toMatchObject({ door: 'open' })
  })

  it('needs no waiting for the next try of what was refused before', () => {
    const driver = met('b')
    const fetch = driver.entries('b', [file('g', 'x', { 'b.1': 1 })]).one('fetch')
    setDoor(driver, 'shut')
    driver.finish(fetch, { outcome: 'failed', reason: 'refused', left: ['g'] })
    expect(setDoor(driver, 'open').find('fetch')).toBeDefined()
  })
})

it('a peer whose link comes up finds the door as policy has it', () => {
  const driver = new StepDriver()
  driver.send({ kind: 'link_up', peer: b, door: 'shut' })
  driver.summary('b')
  expect(driver.entries('b', [file('f', 'x', { 'b.1': 1 })]).find('fetch')).toBeUndefined()
})

it('lets go of what was made ready for a peer when its door shuts: what is written there is an edit', () => {
  const driver = met('b')
  driver.edit('f', written('mine'))
  driver.entries('b', [file('g', 'x', { 'b.1': 1 })]).one('fetch')
  const later = { ...file('f', 'theirs', { 'b.1': 2 }), mtimeUs: 2_000_000_000 }
  const kept = driver.applied(driver.entries('b', [later], { toSeq: 2 }).one('apply').items)
  expect(kept.find('fetch'), 'waits for its turn').toBeUndefined()
  expect(driver.state.claims.get('f')?.stage).toBe('ready')
  expect(setDoor(driver, 'shut').one('observe').paths).toContain('f')
  driver.edit('f', written('newer'))
  expect(driver.index.get('f')).toMatchObject({ hash: written('newer').hash })
})
