import { describe, expect, it } from 'vitest'
import { arrived, directory, file, folder, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'
import { bounds } from './state.ts'

function met(...peers: string[]): StepDriver {
  const driver = new StepDriver()
  for (const peer of peers) driver.meet(peer)
  return driver
}

const x = file('f', 'x', { 'b.1': 1 })

describe('receiving', () => {
  it('fetches, looks, adopts the peer´s vector, and only then knows', () => {
    const driver = met('b')
    const news = driver.entries('b', [x])
    expect(news.kinds).toEqual(['fetch', 'read_entries'])
    expect(news.find('commit')).toBeUndefined()
    expect(driver.state.claims.get('f')).toMatchObject({ peer: 'b', stage: 'fetch' })
    driver.place('f', arrived('x'))
    const done = driver.finish(news.one('fetch'))
    expect(done.one('commit')).toMatchObject({
      rows: [{ path: 'f', hash: 'x', vector: { 'b.1': 1 }, dots: [['b.1', 1]], stat: arrived('x').stat }],
      knowledge: { 'b.1': 1 },
    })
    expect(driver.state.claims.size).toBe(0)
    expect(driver.wish('b', 'f')).toBeUndefined()
  })

  it('takes no note of a content that did not come', () => {
    const driver = met('b')
    const fetch = driver.entries('b', [x, file('g', 'y', { 'b.1': 2 })]).one('fetch')
    driver.place('f', arrived('x'))
    const done = driver.finish(fetch, { outcome: 'failed' })
    expect(done.one('commit').rows.map(({ path }) => path)).toEqual(['f'])
    expect(done.one('commit').knowledge).toEqual({})
    expect(driver.wish('b', 'g')).toMatchObject({ attempts: 1, reason: 'the content did not arrive' })
  })

  it('knows what the peer knows when nothing is left, not after a page of several', () => {
    const driver = met('b')
    const page = { complete: false, knowledge: { 'b.1': 2 } }
    const first = driver.entries('b', [x], page).one('fetch')
    driver.place('f', arrived('x'))
    expect(driver.finish(first).one('commit').knowledge).toEqual({})
    const second = driver.entries('b', [file('g', 'y', { 'b.1': 2 })], { toSeq: 2 }).one('fetch')
    driver.place('g', arrived('y'))
    expect(driver.finish(second).one('commit').knowledge).toEqual({ 'b.1': 2 })
  })

  it('moves nothing for content that is here already, whoever wrote it', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    driver.meet('b')
    const news = driver.entries('b', [x])
    expect(news.find('fetch')).toBeUndefined()
    expect(news.one('commit').rows).toMatchObject([
      {
        vector: { [here]: 1, 'b.1': 1 },
        dots: [
          ['b.1', 1],
          [here, 1],
        ],
      },
    ])
  })

  it('takes a deletion of what it never had for known', () => {
    const news = met('b').entries('b', [tombstone('f', { 'b.1': 2 })])
    expect(news.one('commit')).toMatchObject({ rows: [{ deleted: true }], knowledge: { 'b.1': 2 } })
  })

  it('removes, changes modes and makes directories itself, the deepest removal first', () => {
    const driver = new StepDriver()
    driver.put('d', folder())
    for (const path of ['d/a', 'd/b', 'm', 't']) driver.put(path, written(path))
    driver.observe('d', 'd/a', 'd/b', 'm', 't')
    driver.meet('b')
    const seen = (counter: number): Record<string, number> => ({ [here]: counter, 'b.1': 1 })
    const news = driver.entries('b', [
      tombstone('d/a', seen(2)),
      tombstone('d/b', seen(3)),
      file('m', 'm', seen(4), { mode: 0o755 }),
      directory('t', seen(5)),
    ])
    expect(news.one('apply').items.map(({ path }) => path)).toEqual(['t', 'd/b', 'd/a', 'm'])
    expect(news.operations()).toEqual({ 'd/a': 'remove', 'd/b': 'remove', m: 'chmod', t: 'remove mkdir' })
    expect(news.find('fetch')).toBeUndefined()
    driver.put('d/a', undefined)
    driver.put('d/b', undefined)
    driver.put('m', written('m', { mode: 0o755 }))
    driver.put('t', folder())
    expect(driver.applied(news.one('apply').items).one('commit').rows).toHaveLength(4)
  })

  it('asks for a limited number of paths at first, and for more when that went well', () => {
    const driver = met('b')
    const many = Array.from({ length: bounds.firstBatch + 10 }, (_, at) => file(`f${at}`, 'x', { 'b.1': at + 1 }))
    const fetch = driver.entries('b', many).one('fetch')
    expect(fetch.items).toHaveLength(bounds.firstBatch)
    for (const { entry } of fetch.items) driver.put(entry.path, arrived('x'))
    const next = driver.finish(fetch)
    expect(next.one('fetch').items).toHaveLength(10)
    expect(driver.state.peers.get('b' as never)?.batch).toBeGreaterThan(bounds.firstBatch)
  })
})

describe('what appears on the disk', () => {
  it('is the peer´s when it is what the peer told of, however it came', () => {
    const driver = met('b')
    driver.entries('b', [x])
    const seen = driver.edit('f', arrived('x'))
    expect(seen.one('commit').rows).toMatchObject([{ vector: { 'b.1': 1 } }])
    expect(driver.state.claims.size).toBe(0)
  })

  it('is not an edit while a session or an operation is at work there', () => {
    const driver = new StepDriver()
    driver.edit('f', written('old'))
    driver.meet('b')
    driver.entries('b', [file('f', 'x', { [here]: 1, 'b.1': 1 })])
    expect(driver.edit('f', undefined).kinds).toEqual([])
    expect(driver.edit('f', written('half')).kinds).toEqual([])
  })
})

describe('a ring', () => {
  it('asks one peer only for a path that two have', () => {
    const driver = met('b', 'c')
    expect(driver.entries('b', [x]).fetches()).toEqual({ b: ['f'] })
    expect(driver.entries('c', [x]).fetches()).toEqual({})
  })

  it('is done with both when one has brought it', () => {
    const driver = met('b', 'c')
    const { fetch } = { fetch: driver.entries('b', [x]).one('fetch') }
    driver.entries('c', [x], { knowledge: { 'b.1': 1, 'c.1': 4 } })
    driver.place('f', arrived('x'))
    const done = driver.finish(fetch)
    expect(done.fetches()).toEqual({})
    expect(driver.wish('c', 'f')).toBeUndefined()
    expect(done.one('commit').knowledge).toEqual({ 'b.1': 1, 'c.1': 4 })
  })

  it('asks the other at once when the first fails', () => {
    const driver = met('b', 'c')
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.entries('c', [x])
    expect(driver.finish(fetch, { outcome: 'failed' }).fetches()).toEqual({ c: ['f'] })
  })

  it('asks the other when the first has gone and its session is over', () => {
    const driver = met('b', 'c')
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.entries('c', [x])
    expect(driver.linkDown('b').fetches()).toEqual({})
    expect(driver.finish(fetch, { outcome: 'failed' }).fetches()).toEqual({ c: ['f'] })
  })

  it('takes what a session brought although its link has gone', () => {
    const driver = met('b')
    const fetch = driver.entries('b', [x]).one('fetch')
    driver.linkDown('b')
    driver.place('f', arrived('x'))
    expect(driver.finish(fetch).one('commit').rows).toMatchObject([{ vector: { 'b.1': 1 } }])
  })

  it('takes the newer of two versions when the older is on its way', () => {
    const driver = met('b', 'c')
    const fetch = driver.entries('b', [x]).one('fetch')
    const newer = file('f', 'y', { 'b.1': 1, 'c.1': 1 }, { dots: [['c.1' as never, 1]] })
    expect(driver.entries('c', [newer]).fetches()).toEqual({})
    driver.place('f', arrived('x'))
    expect(driver.finish(fetch).fetches()).toEqual({ c: ['f'] })
  })
})
