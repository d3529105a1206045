import { describe, expect, it } from 'vitest'
import { arrived, file, written } from '../../testing/entries.ts'
import { StepDriver } from '../../testing/step-driver.ts'
import { bounds } from './state.ts'

const theirs = { 'b.1': 1 }

/** A file of b's that is here, and whose content on the disk is another one now, with nothing to show for it. */
function damaged(): StepDriver {
  const driver = new StepDriver()
  driver.meet('b')
  const fetch = driver.entries('b', [file('f', 'right', theirs)]).one('fetch')
  driver.place('f', arrived('right'))
  driver.finish(fetch)
  driver.disk.set('f', arrived('wrong'))
  return driver
}

function find(driver: StepDriver, more: { isHeldElsewhere?: boolean; otherwise?: 'edit' | 'leave' } = {}) {
  const item = { ...driver.seen('f'), isHeldElsewhere: false, otherwise: 'leave' as const, ...more }
  return driver.send({ kind: 'damage_found', items: [item] })
}

describe('content that nobody wrote', () => {
  it('is kept as a copy and fetched again, and never told to anybody', () => {
    const driver = damaged()
    const keep = find(driver).one('apply')
    const keepAs = expect.arrayContaining(['f (conflict 1970-01-01 b)'])
    expect(keep.items).toMatchObject([{ path: 'f', operations: ['keep'], keepAs }])
    expect(driver.index.get('f')).toMatchObject({ hash: 'wrong', vector: {} })
    const fetch = driver.applied(keep.items).one('fetch')
    expect(fetch.items).toMatchObject([{ entry: { hash: 'right', vector: theirs } }])
    driver.place('f', arrived('right'))
    const healed = driver.finish(fetch)
    expect(healed.one('commit').rows).toMatchObject([{ path: 'f', hash: 'right', vector: theirs, dots: [['b.1', 1]] }])
    expect(driver.state.knowledge).toEqual(theirs)
  })

  it('stays as it is while nobody is known who has the right one', () => {
    const driver = damaged()
    driver.linkDown('b')
    expect(find(driver).kinds).toEqual([])
    expect(driver.index.get('f')).toMatchObject({ hash: 'right', vector: theirs })
  })

  it('is an edit if it must be one', () => {
    const driver = damaged()
    driver.linkDown('b')
    expect(find(driver, { otherwise: 'edit' }).one('commit').rows).toMatchObject([
      { hash: 'wrong', dots: [['here.1', 1]] },
    ])
  })

  it('is given up at once when somebody who is away has the right one, and fetched when that one is back', () => {
    const driver = damaged()
    const { digest } = driver.index.meta()
    driver.linkDown('b')
    find(driver, { isHeldElsewhere: true })
    expect(driver.index.get('f')).toMatchObject({ hash: 'wrong', vector: {} })
    driver.answerRead(driver.linkUp('b').one('read_entries'))
    let read = driver.summary('b', { knowledge: theirs, digest }).find('read_entries')
    while (read) read = driver.answerRead(read).find('read_entries')
    const later = driver.tick(bounds.disagreementMs + 1).one('read_entries')
    expect(driver.answerRead(later).find('send_resend')).toMatchObject({ peer: 'b' })
    expect(driver.entries('b', [file('f', 'right', theirs)]).fetches()).toEqual({ b: ['f'] })
  })

  it('gives way to an edit that is newer', () => {
    const driver = damaged()
    driver.linkDown('b')
    find(driver, { isHeldElsewhere: true })
    expect(driver.edit('f', written('mine')).one('commit').rows).toMatchObject([
      { hash: 'mine', dots: [['here.1', 1]] },
    ])
  })

  it('is left alone while a session is at work there, and when it is what it should be', () => {
    const driver = damaged()
    driver.disk.set('f', arrived('right'))
    expect(find(driver).kinds).toEqual([])
    driver.disk.set('f', arrived('wrong'))
    driver.entries('b', [file('f', 'newer', { 'b.1': 2 })])
    expect(find(driver).find('apply')).toBeUndefined()
  })
})
