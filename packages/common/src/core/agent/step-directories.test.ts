import { describe, expect, it } from 'vitest'
import { arrived, directory, file, folder, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'
import { bounds } from './state.ts'

/** Here: the directory `d` with these in it, all told to b, who is linked. */
function holding(...names: string[]): StepDriver {
  const driver = new StepDriver()
  driver.put('d', folder())
  for (const name of names) driver.put(`d/${name}`, written(name))
  driver.observe('d', ...names.map((name) => `d/${name}`))
  driver.meet('b')
  return driver
}

const gone = tombstone('d', { [here]: 1, 'b.1': 1 }, { kind: 'dir', dots: [['b.1' as never, 1]] })

describe('a directory that the peer deleted', () => {
  it('goes after all that was in it, whatever the order of the news', () => {
    const driver = holding('x')
    const first = driver.entries('b', [gone], { complete: false })
    expect(first.find('apply')).toBeUndefined()
    const child = tombstone('d/x', { [here]: 2, 'b.1': 2 })
    const second = driver.entries('b', [child], { toSeq: 2, complete: true })
    expect(second.operations()).toEqual({ 'd/x': 'remove' })
    driver.put('d/x', undefined)
    const third = driver.applied(second.one('apply').items)
    expect(third.operations()).toEqual({ d: 'rmdir' })
    driver.put('d', undefined)
    const done = driver.applied(third.one('apply').items)
    expect(done.one('commit')).toMatchObject({
      rows: [{ path: 'd', deleted: true }],
      knowledge: { [here]: 2, 'b.1': 2 },
    })
  })

  it('stays, as our own change, when it holds something that the peer has not seen', () => {
    const driver = holding()
    const removal = driver.entries('b', [gone]).one('apply')
    expect(removal.items).toMatchObject([{ path: 'd', operations: ['rmdir'] }])
    driver.put('d/mine', written('mine'))
    const refused = driver.applied(removal.items, 'not_empty')
    expect(refused.one('commit').rows).toMatchObject([
      { path: 'd', deleted: false, kind: 'dir', vector: { [here]: 2, 'b.1': 1 }, dots: [[here, 2]] },
    ])
    expect(refused.one('observe').paths).toEqual(['d'])
    expect(driver.wish('b', 'd')).toBeUndefined()
  })

  it('is tried again when more of what is in it is about to go', () => {
    const driver = holding('x')
    driver.meet('c')
    const removal = driver.entries('b', [gone]).one('apply')
    driver.entries('c', [file('d/x', 'newer', { [here]: 2, 'c.1': 1 }, { dots: [['c.1' as never, 1]] })])
    const refused = driver.applied(removal.items, 'not_empty')
    expect(refused.find('commit')).toBeUndefined()
    expect(driver.wish('b', 'd')).toMatchObject({ attempts: 1, reason: 'not_empty' })
  })
})

describe('a file in place of a directory', () => {
  const replaced = file('d', 'now a file', { [here]: 1, 'b.1': 1 }, { dots: [['b.1' as never, 1]] })

  it('comes when the directory is empty, which makes way just before the session', () => {
    const driver = holding('x')
    const news = driver.entries('b', [replaced, tombstone('d/x', { [here]: 2, 'b.1': 2 })])
    expect(news.operations()).toEqual({ 'd/x': 'remove' })
    expect(news.find('fetch')).toBeUndefined()
    driver.put('d/x', undefined)
    const fetch = driver.applied(news.one('apply').items).one('fetch')
    expect(fetch.items).toMatchObject([{ entry: { path: 'd', kind: 'file' }, clear: true }])
    driver.place('d', arrived('now a file'))
    expect(driver.finish(fetch).one('commit').rows).toMatchObject([{ path: 'd', kind: 'file' }])
  })

  it('does not come while the directory holds something else', () => {
    const driver = holding('x')
    const fetch = driver.entries('b', [replaced]).one('fetch')
    const left = driver.finish(fetch, { outcome: 'failed', left: ['d'] })
    expect(left.find('commit')).toBeUndefined()
    expect(driver.wish('b', 'd')).toMatchObject({ attempts: 1 })
  })
})

describe('a file that came in place of a directory, changed on its way, and made way for a directory again', () => {
  it('comes when that directory is empty', () => {
    const driver = holding()
    const replaced = file('d', 'one', { [here]: 1, 'b.1': 1 }, { dots: [['b.1' as never, 1]] })
    const fetch = driver.entries('b', [replaced]).one('fetch')
    driver.place('d', arrived('two'))
    driver.finish(fetch, { outcome: 'failed' })
    driver.put('d', folder())
    const again = driver.tick(bounds.quarantineMs).one('fetch')
    driver.finish(again, { outcome: 'failed', left: ['d'] })
    expect(driver.tick(bounds.retryMostMs).one('fetch').items).toMatchObject([{ clear: true, transit: undefined }])
  })
})

describe('a directory in place of our file', () => {
  it('keeps the name; the file is kept beside it', () => {
    const driver = new StepDriver()
    driver.edit('f', written('ours', { mtimeUs: 99_000_000 }))
    driver.meet('b')
    const news = driver.entries('b', [directory('f', { 'b.1': 1 }), file('f/x', 'x', { 'b.1': 2 })])
    expect(news.operations()).toEqual({ f: 'keep remove mkdir' })
    expect(news.find('fetch')).toBeUndefined()
    driver.put('f', folder())
    const made = driver.applied(news.one('apply').items)
    expect(made.one('commit').rows).toMatchObject([{ path: 'f', kind: 'dir', vector: { [here]: 2, 'b.1': 1 } }])
    expect(made.fetches()).toEqual({ b: ['f/x'] })
  })

  it('is made although the peer told only of what is in it', () => {
    const driver = new StepDriver()
    driver.edit('f', written('ours'))
    driver.meet('b')
    const news = driver.entries('b', [file('f/x', 'x', { 'b.1': 2 })])
    expect(news.operations()).toEqual({ f: 'keep remove mkdir' })
    expect(news.one('apply').items).toMatchObject([{ entry: undefined, local: { hash: 'ours' } }])
    driver.put('f', folder())
    const made = driver.applied(news.one('apply').items)
    expect(made.one('commit').rows).toMatchObject([{ path: 'f', kind: 'dir', dots: [[here, 2]] }])
    expect(made.fetches()).toEqual({ b: ['f/x'] })
  })

  it('is tried again later when there was no room to be made', () => {
    const driver = new StepDriver()
    driver.edit('f', written('ours'))
    driver.meet('b')
    const news = driver.entries('b', [file('f/x', 'x', { 'b.1': 2 })])
    const refused = driver.applied(news.one('apply').items, 'failed')
    expect(refused.one('observe').paths).toEqual(['f'])
    expect(driver.wish('b', 'f/x')).toMatchObject({ attempts: 1 })
    expect(driver.tick(300).operations()).toEqual({ f: 'keep remove mkdir' })
  })

  it('is needed, too, when the file came after the news', () => {
    const driver = new StepDriver()
    driver.meet('b')
    driver.entries('b', [file('f/x', 'x', { 'b.1': 2 })])
    driver.edit('f', written('ours'))
    expect(driver.wish('b', 'f/x')?.blockedBy).toMatchObject({ path: 'f', hash: 'ours' })
  })
})
