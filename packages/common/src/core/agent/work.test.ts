import { describe, expect, it, test } from 'vitest'
import { file, written } from '../../testing/entries.ts'
import { here, met, StepDriver } from '../../testing/step-driver.ts'
import type { NodeId } from '../causal/types.ts'
import { bounds, type Door, doors, type PeerState } from './state.ts'
import { workWith } from './work.ts'

const b = 'b' as NodeId
const workOf = (driver: StepDriver, allowed: Door = 'open') => {
  const { knowledge } = driver.index.meta()
  return workWith(driver.state, driver.state.peers.get(b) as PeerState, { knowledge, allowed })
}
it('is there while nothing has been heard yet, and not when both have the same', () => {
  const driver = new StepDriver()
  driver.linkUp('b')
  expect(workOf(driver)).toBe('now')
  expect(workOf(driver, 'shut')).toBe('none')
  expect(workOf(met('b'))).toBe('none')
})

describe.each(doors)('with a door here that is %s', (door) => {
  const gives = door === 'open' || door === 'gives'
  const takes = door === 'open' || door === 'takes'

  it('is what this replica has and the peer has not, until it says that it has', () => {
    const driver = met('b')
    driver.edit('f', written('x'))
    expect(workOf(driver, door)).toBe(gives ? 'now' : 'none')
    driver.summary('b', { knowledge: { [here]: 1 } })
    expect(workOf(driver, door)).toBe('none')
  })

  it('is what the peer has and this replica has not', () => {
    const driver = met('b')
    driver.entries('b', [file('f', 'x', { 'b.1': 1 })])
    expect(workOf(driver, door)).toBe(takes ? 'now' : 'none')
  })

  it('waits where the peer lets it not pass', () => {
    const driver = met('b')
    driver.edit('f', written('x'))
    driver.summary('b', { door })
    expect(workOf(driver)).toBe(takes ? 'now' : 'not_now')
  })
})

test('what has failed is none until its next try', () => {
  const driver = met('b')
  const wanted = driver.entries('b', [file('f', 'x', { 'b.1': 1 })])
  const { id, items } = wanted.find('fetch') ?? {}
  if (id === undefined || items === undefined) throw new Error('nothing is fetched')
  const seen = items.map(({ entry, local }) => ({ path: entry.path, disk: undefined, local, entry, ran: true }))
  driver.send({
    kind: 'fetch_finished',
    peer: b,
    id,
    outcome: 'failed',
    reason: 'no space',
    items: seen,
    extras: [],
  } as never)
  expect(workOf(driver)).toBe('none')
  driver.now += bounds.retryMostMs
  driver.send({ kind: 'ticked' })
  expect(workOf(driver)).toBe('now')
})

test('only what an order names, where orders are followed', () => {
  const driver = met('b')
  driver.send({ kind: 'follow_set', follows: 'orders' })
  driver.edit('f', written('x'))
  expect(workOf(driver)).toBe('none')
  driver.send({ kind: 'order_set', peer: b, ordered: true })
  expect(workOf(driver)).toBe('now')
})
