import { describe, expect, it } from 'vitest'
import { arrived, file, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'
import type { NodeId } from '../causal/types.ts'
import { bounds } from './state.ts'

const b = 'b' as NodeId
const x = file('f', 'x', { 'b.1': 1 })
const newer = file('f', 'y', { 'b.1': 2 })

function met(): StepDriver {
  const driver = new StepDriver()
  driver.meet('b')
  return driver
}

describe('a path that failed', () => {
  it('is asked for again after a pause that doubles', () => {
    const driver = met()
    let fetch = driver.entries('b', [x]).one('fetch')
    for (const pause of [300, 600, 1200, 2400]) {
      const failed = driver.finish(fetch, { outcome: 'failed', reason: 'no space left' })
      expect(failed.fetches()).toEqual({})
      expect(failed.one('wake').at).toBe(driver.now + pause)
      expect(driver.tick(pause - 1).fetches()).toEqual({})
      fetch = driver.tick(1).one('fetch')
    }
    expect(driver.wish('b', 'f')).toMatchObject({ attempts: 4, reason: 'no space left' })
    expect(fetch.items).toMatchObject([{ attempts: 4 }])
  })

  it('is asked for every five minutes in the end', () => {
    const driver = met()
    let fetch = driver.entries('b', [x]).one('fetch')
    for (let attempt = 0; attempt < 20; attempt++) {
      driver.finish(fetch, { outcome: 'failed' })
      fetch = driver.tick(bounds.retryMostMs).one('fetch')
    }
    expect(driver.finish(fetch, { outcome: 'failed' }).one('wake').at).toBe(driver.now + bounds.retryMostMs)
  })

  it('is asked for at once when the gentle way was refused, or when somebody wishes', () => {
    const driver = met()
    const first = driver.entries('b', [x]).one('fetch')
    const second = driver.finish(first, { outcome: 'refused' })
    expect(second.fetches()).toEqual({ b: ['f'] })
    expect(driver.finish(second.one('fetch'), { outcome: 'failed' }).fetches()).toEqual({})
    expect(driver.send({ kind: 'retry_requested' }).fetches()).toEqual({ b: ['f'] })
  })

  it('does not keep others waiting', () => {
    const driver = met()
    driver.finish(driver.entries('b', [x]).one('fetch'), { outcome: 'failed' })
    expect(driver.entries('b', [file('g', 'y', { 'b.1': 2 })], { toSeq: 2 }).fetches()).toEqual({ b: ['g'] })
  })

  it('starts anew with a newer version', () => {
    const driver = met()
    driver.finish(driver.entries('b', [x]).one('fetch'), { outcome: 'failed' })
    expect(driver.entries('b', [newer], { toSeq: 2 }).fetches()).toEqual({ b: ['f'] })
    expect(driver.wish('b', 'f')).toMatchObject({ attempts: 0, reason: '' })
  })

  it('waits for the same entry told once more', () => {
    const driver = met()
    driver.finish(driver.entries('b', [x]).one('fetch'), { outcome: 'failed' })
    expect(driver.entries('b', [x], { toSeq: 2 }).fetches()).toEqual({})
    expect(driver.wish('b', 'f')).toMatchObject({ attempts: 1 })
  })

  it('is looked at when the disk was not as the index says, which shows the user´s edit', () => {
    const driver = new StepDriver()
    driver.edit('f', written('old'))
    driver.meet('b')
    const removal = driver.entries('b', [tombstone('f', { [here]: 1, 'b.1': 1 })]).one('apply')
    driver.put('f', written('edited'))
    const refused = driver.applied(removal.items, 'changed')
    expect(refused.one('observe').paths).toEqual(['f'])
    expect(refused.find('commit')).toBeUndefined()
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'edited', vector: { [here]: 2 } }])
  })

  it('is an edit when the session left it out because of what it found', () => {
    const driver = met()
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.put('f', written('mine'))
    const done = driver.finish(fetch, { left: ['f'] })
    expect(done.one('commit').rows).toMatchObject([{ hash: 'mine', vector: { [here]: 1 } }])
  })
})

describe('a file that changed while it was sent', () => {
  function inTransit(): StepDriver {
    const driver = met()
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.place('f', arrived('y', { mtimeUs: 6_000_000 }))
    const done = driver.finish(fetch, { outcome: 'failed' })
    expect(done.find('commit')).toBeUndefined()
    expect(driver.state.claims.get('f')).toMatchObject({ stage: 'quarantine', until: driver.now + bounds.askSmallMs })
    return driver
  }

  it('is not an edit while its news may be under way', () => {
    const driver = inTransit()
    expect(driver.observe('f').find('commit')).toBeUndefined()
    expect(driver.wish('b', 'f')?.transit).toEqual(driver.disk.get('f')?.stat)
  })

  it('is adopted when its news comes', () => {
    const driver = inTransit()
    const news = driver.entries('b', [newer], { toSeq: 2 })
    expect(news.find('observe')?.paths ?? []).toContain('f')
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'y', vector: { 'b.1': 2 } }])
  })

  it('may be overwritten when it has changed once more', () => {
    const driver = inTransit()
    const news = driver.entries('b', [file('f', 'z', { 'b.1': 3 })], { toSeq: 2 })
    expect(news.one('fetch').items).toMatchObject([{ entry: { hash: 'z' }, transit: driver.disk.get('f')?.stat }])
  })

  it('is asked for once more when no news comes, and later each time', () => {
    const driver = inTransit()
    const pauses = [1000, 2000, 4000, 8000, 10_000, 10_000, 19_200]
    for (const pause of pauses) {
      expect(driver.tick(pause - 1).find('fetch')).toBeUndefined()
      const again = driver.tick(1).one('fetch')
      expect(again.items).toMatchObject([{ entry: { hash: 'x' }, transit: driver.disk.get('f')?.stat }])
      expect(driver.finish(again, { outcome: 'failed' }).find('commit')).toBeUndefined()
    }
  })

  it('is kept as an edit when somebody has changed it here meanwhile', () => {
    const driver = inTransit()
    const again = driver.tick(bounds.askSmallMs).one('fetch')
    driver.put('f', written('mine'))
    const done = driver.finish(again, { left: ['f'] })
    expect(done.one('commit').rows).toMatchObject([{ hash: 'mine', vector: { [here]: 1 } }])
  })

  it('is awaited on when the link is gone, and taken for an edit when its time is over', () => {
    const driver = inTransit()
    driver.linkDown('b')
    expect(driver.observe('f').find('commit')).toBeUndefined()
    expect(driver.tick(bounds.quarantineMs).one('observe').paths).toEqual(['f'])
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'y', vector: { [here]: 1 } }])
  })

  it('is adopted when the peer comes back and tells of it', () => {
    const driver = inTransit()
    driver.linkDown('b')
    driver.meet('b')
    expect(driver.entries('b', [newer]).find('observe')?.paths ?? []).toContain('f')
    expect(driver.observe('f').one('commit').rows).toMatchObject([{ hash: 'y', vector: { 'b.1': 2 } }])
  })

  it('goes when the peer has deleted it by then, before or after the link was lost', () => {
    for (const isLost of [false, true]) {
      const driver = inTransit()
      const transit = driver.disk.get('f')?.stat
      if (isLost) {
        driver.linkDown('b')
        driver.meet('b')
      }
      const removal = driver.entries('b', [tombstone('f', { 'b.1': 3 })], { toSeq: isLost ? 1 : 2 }).one('apply')
      expect(removal.items).toMatchObject([{ path: 'f', operations: ['remove'], transit }])
      driver.put('f', undefined)
      expect(driver.applied(removal.items).one('commit').rows).toMatchObject([{ deleted: true, vector: { 'b.1': 3 } }])
    }
  })

  it('is deleted at once when a program here has done so in the moment that it came', () => {
    const driver = new StepDriver()
    driver.edit('f', written('old'))
    driver.meet('b')
    const fetch = driver.entries('b', [file('f', 'x', { [here]: 1, 'b.1': 1 })]).one('fetch')
    driver.put('f', undefined)
    const rows = driver.finish(fetch, { outcome: 'failed' }).one('commit').rows
    expect(rows).toMatchObject([{ deleted: true, vector: { [here]: 2 } }])
  })

  it('is replaced by the version of another peer, and stays nobody´s work meanwhile', () => {
    const driver = inTransit()
    driver.meet('c')
    const theirs = file('f', 'c', { 'b.1': 1, 'c.1': 1 })
    const transit = driver.disk.get('f')?.stat
    const busy = driver.entries('c', [file('other', 'o', { 'c.1': 2 })]).one('fetch')
    driver.entries('c', [theirs], { toSeq: 2 })
    driver.linkDown('b')
    expect(driver.tick(bounds.quarantineMs).find('observe')).toBeUndefined()
    expect(driver.observe('f').find('commit')).toBeUndefined()
    driver.place('other', arrived('o'))
    const next = driver.finish(busy).one('fetch')
    expect(next.items).toMatchObject([{ entry: { hash: 'c' }, transit }])
  })

  it('goes when its deletion was told while the session ran', () => {
    const driver = met()
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.entries('b', [tombstone('f', { 'b.1': 3 })], { toSeq: 2 })
    driver.place('f', arrived('y', { mtimeUs: 6_000_000 }))
    const removal = driver.finish(fetch, { outcome: 'failed' }).one('apply')
    expect(removal.items).toMatchObject([{ path: 'f', operations: ['remove'], transit: driver.disk.get('f')?.stat }])
    driver.put('f', undefined)
    driver.entries('b', [file('f', 'z', { 'b.1': 4 })], { toSeq: 3 })
    const next = driver.applied(removal.items).one('fetch')
    expect(next.items).toMatchObject([{ entry: { hash: 'z' } }])
    expect(driver.index.get('f')).toMatchObject({ deleted: true, vector: { 'b.1': 3 } })
  })

  it('makes way for what a program here writes meanwhile, at once', () => {
    const driver = inTransit()
    driver.put('f', written('mine'))
    const seen = { ...driver.seen('f'), isWrittenHere: true }
    const rows = driver.send({ kind: 'observed', items: [seen] }).one('commit').rows
    expect(rows).toMatchObject([{ hash: 'mine', vector: { [here]: 1 } }])
  })

  it('needs no second copy of what lost to it, when its news came before the session ended', () => {
    const driver = new StepDriver()
    driver.edit('f', written('mine', { mtimeUs: 1_000_000 }))
    driver.meet('b')
    const keeping = driver.entries('b', [file('f', 'x', { 'b.1': 1 })]).one('apply')
    expect(keeping.items).toMatchObject([{ operations: ['keep'] }])
    const fetch = driver.applied(keeping.items).one('fetch')
    driver.entries('b', [newer], { toSeq: 2 })
    driver.place('f', arrived('y', { mtimeUs: 6_000_000 }))
    const rows = driver.finish(fetch, { outcome: 'failed' }).one('commit').rows
    expect(rows).toMatchObject([{ hash: 'y', vector: { [here]: 2, 'b.1': 2 } }])
  })

  it('is not what a program here saved by renaming meanwhile, whose inode changed later than its content', () => {
    const driver = met()
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.put('f', arrived('mine'))
    driver.put('extra', arrived('mine too'))
    const ended = driver.finish(fetch, { outcome: 'failed', extras: ['extra'] })
    expect(ended.one('commit').rows).toMatchObject([{ hash: 'mine' }])
    expect(ended.one('observe').paths).toEqual(['extra'])
    expect(driver.observe('extra').one('commit').rows).toMatchObject([{ hash: 'mine too' }])
  })

  it('waits in the same way when it came along with a directory', () => {
    const driver = met()
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.place('f', arrived('x'))
    driver.place('extra', arrived('e'))
    driver.finish(fetch, { extras: ['extra'] })
    expect(driver.observe('extra').find('commit')).toBeUndefined()
    driver.entries('b', [file('extra', 'e', { 'b.1': 2 })], { toSeq: 2 })
    expect(driver.observe('extra').one('commit').rows).toMatchObject([{ vector: { 'b.1': 2 } }])
  })
})

describe('one that follows orders', () => {
  const news = [x, tombstone('old', { [here]: 1, 'b.1': 2 })]
  const following = (): StepDriver => {
    const driver = new StepDriver()
    driver.edit('old', written('o'))
    driver.meet('b')
    let read = driver.send({ kind: 'follow_set', follows: 'orders' }).find('read_entries')
    while (read) read = driver.answerRead(read).find('read_entries')
    return driver
  }

  it.each([
    ['an order comes', { kind: 'order_set', peer: b, ordered: true }],
    ['it follows its peers again', { kind: 'follow_set', follows: 'peers' }],
  ] as const)('asks and applies nothing until %s', (_, event) => {
    const driver = following()
    const heard = driver.entries('b', news)
    expect([heard.find('fetch'), heard.find('apply')]).toEqual([undefined, undefined])
    expect(driver.edit('mine', written('m')).find('commit')).toBeDefined()
    const resumed = driver.send(event)
    expect(resumed.fetches()).toEqual({ b: ['f'] })
    expect(resumed.operations()).toEqual({ old: 'remove' })
  })

  it('tells its peers how things stand, once, and sends them nothing until an order comes', () => {
    const driver = following()
    const told = driver.answerRead(driver.edit('mine', written('m')).one('read_entries'))
    expect(told.find('send_entries')).toBeUndefined()
    expect(told.one('send_summary')).toMatchObject({ knowledge: { [here]: 2 }, complete: false })
    expect(told.find('read_entries')).toBeUndefined()
    const ordered = driver.send({ kind: 'order_set', peer: b, ordered: true })
    const sent = driver.answerRead(ordered.one('read_entries'))
    expect(sent.one('send_entries')).toMatchObject({ rows: [{ path: 'mine' }], complete: true })
  })

  it('opens its door to a peer that syncs directly, which waits for no order', () => {
    const driver = following()
    driver.entries('b', news)
    const turned = driver.summary('b', { follows: 'peers', knowledge: { 'b.1': 2 } })
    expect(turned.fetches()).toEqual({ b: ['f'] })
  })

  it('tells its peers when it turns to its peers, and back', () => {
    const driver = following()
    driver.answerRead(driver.edit('mine', written('m')).one('read_entries'))
    for (const follows of ['peers', 'orders'] as const) {
      let read = driver.send({ kind: 'follow_set', follows }).find('read_entries')
      const told: unknown[] = []
      while (read) {
        const effects = driver.answerRead(read)
        told.push(effects.find('send_summary')?.follows)
        read = effects.find('read_entries')
      }
      expect(told).toContain(follows)
    }
  })

  it('brings to its end what is under way when the order ends', () => {
    const driver = following()
    driver.send({ kind: 'order_set', peer: b, ordered: true })
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.send({ kind: 'order_set', peer: b, ordered: false })
    driver.put('f', arrived('x'))
    expect(driver.finish(fetch).one('commit').rows).toMatchObject([{ path: 'f', hash: 'x' }])
  })

  it('forgets an order with the link', () => {
    const driver = following()
    driver.send({ kind: 'order_set', peer: b, ordered: true })
    driver.linkDown('b')
    driver.meet('b')
    expect(driver.entries('b', news).find('fetch')).toBeUndefined()
  })
})
