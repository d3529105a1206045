import { describe, expect, it } from 'vitest'
import { arrived, file, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'
import type { Entry, NodeId } from '../causal/types.ts'

const by = (replica: string, counter: number) => [[replica as never, counter] as const]
const first = file('f', 'first', { 'b.1': 1 })
const second = file('f', 'second', { 'b.1': 1, 'c.1': 1 }, { dots: by('c.1', 1) })
const other = file('f', 'other', { 'd.1': 1 }, { mtimeUs: 9_000_000 })

/** The session with b has brought its content, which was seen at once; the session itself goes on. Meanwhile one with c began. */
function overlapping() {
  const driver = new StepDriver()
  for (const peer of ['b', 'c', 'd']) driver.meet(peer)
  const early = driver.entries('b', [first]).one('fetch')
  driver.edit('f', arrived('first'))
  const late = driver.entries('c', [second]).one('fetch')
  return { driver, early, late }
}

describe('a session that ends when what it brought has been seen before', () => {
  it('leaves the path to the one that is at work there now', () => {
    const { driver, early, late } = overlapping()
    driver.entries('d', [other])
    const ended = driver.finish(early)
    expect(ended.operations()).toEqual({})
    expect(driver.state.claims.get('f')).toMatchObject({ stage: 'fetch', peer: 'c' })
    driver.place('f', arrived('second'))
    const done = driver.finish(late)
    expect(done.one('commit').rows).toMatchObject([{ hash: 'second' }])
    expect(done.one('apply').items).toMatchObject([{ operations: ['keep'], local: { hash: 'second' } }])
  })

  it('does not count as a failed try of something newer', () => {
    const { driver, early } = overlapping()
    driver.finish(early, { outcome: 'failed' })
    expect(driver.wish('c', 'f')).toMatchObject({ attempts: 0 })
  })

  it('looks again when somebody has written there since', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const fetch = driver.entries('b', [first]).one('fetch')
    driver.edit('f', arrived('first'))
    driver.put('f', arrived('mine'))
    const ended = driver.finish(fetch)
    expect(ended.kinds).toEqual(['observe'])
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'mine', vector: { [here]: 1, 'b.1': 1 } }])
  })
})

describe('what a session brought before the agent died', () => {
  const brought = (entry?: Entry) => ({ brought: { peer: 'b' as NodeId, entry } })
  const look = (driver: StepDriver, entry?: Entry) =>
    driver.send({ kind: 'observed', items: [{ ...driver.seen('f'), ...brought(entry) }] })

  it('is the peer´s', () => {
    const driver = new StepDriver()
    driver.place('f', arrived('first'))
    expect(look(driver, first).one('commit').rows).toMatchObject([{ hash: 'first', vector: { 'b.1': 1 } }])
  })

  it('is this node´s work when the disk shows something else', () => {
    const driver = new StepDriver()
    driver.put('f', arrived('mine'))
    expect(look(driver, first).one('commit').rows).toMatchObject([{ hash: 'mine', vector: { [here]: 1 } }])
  })

  it('does not take the place of a version that nobody has kept', () => {
    const driver = new StepDriver()
    driver.edit('f', written('ours'))
    driver.place('f', arrived('first', { mtimeUs: 9_000_000 }))
    const [row] = look(driver, { ...first, mtimeUs: 9_000_000 }).one('commit').rows
    expect(row).toMatchObject({ hash: 'first', vector: { [here]: 2 } })
    expect(row?.vector).not.toHaveProperty('b.1')
  })

  it('waits for news when it came along in a directory copied whole', () => {
    const driver = new StepDriver()
    driver.place('f', arrived('first'))
    expect(look(driver).find('commit')).toBeUndefined()
    expect(driver.state.claims.get('f')).toMatchObject({ stage: 'quarantine', peer: 'b' })
    driver.meet('b')
    expect(driver.entries('b', [first]).find('fetch')).toBeUndefined()
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'first', vector: { 'b.1': 1 } }])
  })
})

/** In a directory that a session of an earlier life copied whole. */
function cameAlong(driver: StepDriver): void {
  driver.place('f', arrived('first'))
  const brought = { peer: 'b' as NodeId, entry: undefined }
  driver.send({ kind: 'observed', items: [{ ...driver.seen('f'), brought }] })
}

describe('what a session brought without being asked', () => {
  const gone = tombstone('f', { 'b.1': 2 })

  it('goes when the peer has deleted it since', () => {
    const driver = new StepDriver()
    driver.meet('b')
    cameAlong(driver)
    const removal = driver.entries('b', [gone]).one('apply')
    expect(removal.items).toMatchObject([{ operations: ['remove'], transit: arrived('first').stat }])
    driver.put('f', undefined)
    expect(driver.applied(removal.items).one('commit').rows).toMatchObject([{ deleted: true, vector: { 'b.1': 2 } }])
    expect(driver.wish('b', 'f')).toBeUndefined()
  })

  it('gives way to what another peer has there, with no conflict', () => {
    const driver = new StepDriver()
    driver.meet('c')
    cameAlong(driver)
    const fetch = driver.entries('c', [second]).one('fetch')
    expect(fetch.items).toMatchObject([{ transit: arrived('first').stat, local: undefined }])
    driver.place('f', arrived('second'))
    expect(driver.finish(fetch).one('commit').rows).toMatchObject([{ hash: 'second', vector: second.vector }])
  })

  it('goes when the news of its end came before the session´s end', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const fetch = driver.entries('b', [file('g', 'x', { 'b.1': 1 })], { complete: false }).one('fetch')
    driver.entries('b', [gone])
    driver.place('g', arrived('x'))
    driver.place('f', arrived('first'))
    const removal = driver.finish(fetch, { extras: ['f'] }).one('apply')
    expect(removal.items).toMatchObject([{ path: 'f', operations: ['remove'], transit: arrived('first').stat }])
    driver.put('f', undefined)
    driver.applied(removal.items)
    expect(driver.wish('b', 'f')).toBeUndefined()
    expect(driver.state.claims.size).toBe(0)
  })

  it('stays when somebody has written there since', () => {
    const driver = new StepDriver()
    driver.meet('b')
    cameAlong(driver)
    const removal = driver.entries('b', [gone]).one('apply')
    driver.put('f', written('mine'))
    expect(driver.applied(removal.items, 'changed').kinds).toContain('observe')
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'mine', deleted: false }])
    expect(driver.tick(10_000).find('apply')).toBeUndefined()
  })
})

describe('an own operation whose path shows another peer´s content meanwhile', () => {
  it('has kept what is not here any more: the new one is kept, too', () => {
    const driver = new StepDriver()
    driver.edit('f', written('ours'))
    driver.meet('c')
    driver.meet('d')
    const newer = file('f', 'newer', { [here]: 1, 'c.1': 1 }, { dots: by('c.1', 1) })
    driver.finish(driver.entries('c', [newer]).one('fetch'), { outcome: 'failed' })
    const keep = driver.entries('d', [other]).one('apply')
    expect(keep.items).toMatchObject([{ operations: ['keep'], local: { hash: 'ours' } }])
    expect(driver.edit('f', arrived('newer')).one('commit').rows).toMatchObject([{ hash: 'newer' }])
    const ended = driver.applied(keep.items)
    expect(ended.fetches()).toEqual({})
    expect(driver.tick(300).one('apply').items).toMatchObject([{ operations: ['keep'], local: { hash: 'newer' } }])
  })

  it('is over when the disk shows what it was for', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    driver.meet('b')
    const chmod = driver.entries('b', [file('f', 'x', { [here]: 1, 'b.1': 1 }, { mode: 0o755 })]).one('apply')
    expect(driver.edit('f', written('x', { mode: 0o755 })).find('commit')).toBeDefined()
    expect(driver.state.claims.size).toBe(0)
    expect(driver.edit('f', written('edited')).one('commit').rows).toMatchObject([{ hash: 'edited' }])
    expect(driver.applied(chmod.items).find('commit')).toBeUndefined()
    expect(driver.index.get('f')).toMatchObject({ hash: 'edited' })
  })
})
