import { describe, expect, it } from 'vitest'
import { arrived, file, written } from '../../testing/entries.ts'
import { StepDriver } from '../../testing/step-driver.ts'
import type { Digest, NodeId, ReplicaId } from '../causal/types.ts'
import { type Holding, isSame } from './scope.ts'

const holding = (scope: string, digest: string, counter: number): Holding => {
  return { scope, digest: digest as Digest, knowledge: { a: counter } }
}

describe('replicas hold the same', () => {
  it.each([
    ['with equal digests', holding('', 'x', 1), holding('', 'x', 1), true],
    ['not with unequal ones, though they know the same', holding('', 'x', 1), holding('', 'y', 1), false],
    ['of different scope, when they know the same', holding('', 'x', 1), holding('no iso', 'y', 1), true],
    ['of different scope, not when one knows more', holding('', 'x', 1), holding('no iso', 'y', 2), false],
  ])('%s', (_, left, right, expected) => {
    expect(isSame(left, right)).toBe(expected)
  })
})

const b = 'b' as NodeId
const theirs = { 'b.1': 1, 'c.1': 4 }

function summary(driver: StepDriver, more: { scope?: string; partial?: boolean } = {}) {
  const said = {
    replica: 'b.1' as ReplicaId,
    knowledge: theirs,
    digest: 'd' as Digest,
    received: 0,
    complete: true,
    follows: 'peers',
  } as const
  return driver.send({ kind: 'summary_received', peer: b, scope: '', partial: false, ...said, ...more })
}

describe('a peer that ignores more', () => {
  it('is believed about its own writes only', () => {
    const driver = new StepDriver()
    driver.meet('b')
    summary(driver, { scope: 'no iso', partial: true })
    expect(driver.state.knowledge).toEqual({ 'b.1': 1 })
    summary(driver)
    expect(driver.state.knowledge).toEqual(theirs)
  })

  it('is believed no more for what it sends of others', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const of = file('f', 'x', { 'c.1': 4 })
    driver.entries('b', [of], { knowledge: theirs, partial: true })
    driver.edit('f', arrived('x'))
    expect(driver.index.get('f')).toMatchObject({ vector: { 'c.1': 4 } })
    expect(driver.state.knowledge).toEqual({ 'b.1': 1 })
  })

  it('whose digest differs is not asked for everything again', () => {
    const driver = new StepDriver()
    driver.meet('b')
    driver.send({ kind: 'ticked' })
    for (let round = 0; round < 3; round++) {
      driver.now += 10_000
      for (let read = summary(driver, { scope: 'no iso' }).find('read_entries'); read; ) {
        const effects = driver.answerRead(read)
        expect(effects.find('send_resend')).toBeUndefined()
        read = effects.find('read_entries')
      }
    }
  })
})

describe('one that ignores more than its peer', () => {
  it.each([
    ['says so', '', true],
    ['need not, when the peer ignores the same', 'no iso', false],
  ])('%s', (_, theirScope, partial) => {
    const driver = new StepDriver({ scope: 'no iso' })
    driver.meet('b', theirScope)
    const sent = driver.answerRead(driver.edit('g', written('w')).one('read_entries'))
    expect(sent.one('send_entries')).toMatchObject({ partial })
  })
})
