import { describe, expect, it } from 'vitest'
import { arrived, file, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'

/** Here: `f` with this content, written at 5 s; the link to b is up. */
function holding(hash: string): StepDriver {
  const driver = new StepDriver()
  driver.edit('f', written(hash))
  driver.meet('b')
  return driver
}

const later = file('f', 'theirs', { 'b.1': 1 }, { mtimeUs: 6_000_000 })
const earlier = file('f', 'theirs', { 'b.1': 1 }, { mtimeUs: 4_000_000 })
const copy = 'f (conflict 1970-01-01 here)'

describe('a conflict that we lose', () => {
  it('keeps our version under another name, fetches theirs, and settles it with a dot of ours', () => {
    const driver = holding('ours')
    const news = driver.entries('b', [later])
    expect(news.operations()).toEqual({ f: 'keep' })
    expect(news.one('apply').items).toMatchObject([{ local: { hash: 'ours' }, entry: { hash: 'theirs' } }])
    expect(news.one('apply').items[0]?.keepAs[0]).toBe(copy)
    expect(news.find('fetch')).toBeUndefined()

    const kept = driver.applied(news.one('apply').items)
    expect(kept.fetches()).toEqual({ b: ['f'] })
    driver.place('f', arrived('theirs', { mtimeUs: 6_000_000 }))
    const done = driver.finish(kept.one('fetch'))
    expect(done.one('commit')).toMatchObject({
      rows: [{ hash: 'theirs', vector: { [here]: 2, 'b.1': 1 }, dots: [['b.1', 1]] }],
      knowledge: { [here]: 2, 'b.1': 1 },
    })
  })

  it('makes the copy an ordinary file of ours', () => {
    const driver = holding('ours')
    driver.applied(driver.entries('b', [later]).one('apply').items)
    expect(driver.edit(copy, written('ours')).one('commit').rows).toMatchObject([{ path: copy, dots: [[here, 2]] }])
  })

  it('does not fetch before the copy is there', () => {
    const driver = holding('ours')
    const refused = driver.applied(driver.entries('b', [later]).one('apply').items, 'failed')
    expect(refused.find('fetch')).toBeUndefined()
    expect(refused.one('observe').paths).toEqual(['f'])
    const again = driver.tick(300)
    expect(again.operations()).toEqual({ f: 'keep' })
    expect(driver.applied(again.one('apply').items).fetches()).toEqual({ b: ['f'] })
  })

  it('keeps no copy twice', () => {
    const driver = holding('ours')
    const kept = driver.applied(driver.entries('b', [later]).one('apply').items)
    driver.finish(kept.one('fetch'), { outcome: 'failed' })
    const again = driver.tick(300)
    expect(again.operations()).toEqual({})
    expect(again.fetches()).toEqual({ b: ['f'] })
  })

  it('keeps the newer edit when somebody went on writing', () => {
    const driver = holding('ours')
    const kept = driver.applied(driver.entries('b', [later]).one('apply').items)
    driver.put('f', written('more'))
    const left = driver.finish(kept.one('fetch'), { left: ['f'] })
    expect(left.one('commit').rows).toMatchObject([{ hash: 'more' }])
    expect(left.operations()).toEqual({ f: 'keep' })
    expect(left.one('apply').items).toMatchObject([{ local: { hash: 'more' } }])
  })

  it('offers longer and longer names: somebody may have taken one', () => {
    const names = holding('0123456789abcdef'.repeat(4)).entries('b', [later]).one('apply').items[0]?.keepAs ?? []
    expect(names[0]).toBe(copy)
    expect(new Set(names).size).toBe(names.length)
  })

  it('keeps nothing, and looks at no time, when they have seen what we hold', () => {
    const driver = holding('ours')
    const kept = driver.applied(driver.entries('b', [later]).one('apply').items)
    driver.place('f', arrived('theirs', { mtimeUs: 6_000_000 }))
    driver.finish(kept.one('fetch'))
    const again = file('f', 'again', { 'b.1': 2 }, { dots: [['b.1' as never, 2]], mtimeUs: 1_000_000 })
    const news = driver.entries('b', [again], { toSeq: 2 })
    expect(driver.wish('b', 'f')).toMatchObject({ need: 'resolve', keep: false })
    expect(news.operations()).toEqual({})
    expect(news.fetches()).toEqual({ b: ['f'] })
  })

  it('lets an edit come back over our deletion', () => {
    const driver = holding('ours')
    driver.edit('f', undefined)
    const news = driver.entries('b', [earlier])
    expect(news.operations()).toEqual({})
    driver.place('f', arrived('theirs'))
    const done = driver.finish(news.one('fetch'))
    expect(done.one('commit').rows).toMatchObject([{ deleted: false, vector: { [here]: 3, 'b.1': 1 } }])
  })
})

describe('a conflict that we win', () => {
  it.each([
    ['an earlier edit', earlier],
    ['a deletion', tombstone('f', { 'b.1': 1 })],
  ])('over %s is the peer´s to settle: we wait, and know no more than before', (_, entry) => {
    const driver = holding('ours')
    const news = driver.entries('b', [entry])
    expect(news.kinds).toEqual(['read_entries'])
    expect(driver.wish('b', 'f')).toMatchObject({ need: 'wait' })
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
  })

  it('is over when the peer has settled it: nothing has to be moved', () => {
    const driver = holding('ours')
    driver.entries('b', [earlier])
    const settled = file('f', 'ours', { [here]: 1, 'b.1': 2 }, { dots: [[here, 1]] })
    const news = driver.entries('b', [settled], { toSeq: 2 })
    expect(news.find('fetch')).toBeUndefined()
    expect(news.one('commit')).toMatchObject({
      rows: [{ vector: { [here]: 1, 'b.1': 2 } }],
      knowledge: { [here]: 1, 'b.1': 2 },
    })
    expect(driver.wish('b', 'f')).toBeUndefined()
  })

  it('is not asked of a third peer either', () => {
    const driver = holding('ours')
    driver.meet('c')
    driver.entries('b', [earlier])
    expect(driver.entries('c', [earlier]).fetches()).toEqual({})
  })
})

describe('news of a path that is being changed', () => {
  it('waits until the outcome is known, for the decision was made on the row as it is', () => {
    const driver = holding('ours')
    const removal = driver.entries('b', [tombstone('f', { [here]: 1, 'b.1': 1 })]).one('apply')
    driver.meet('c')
    const joined = file('f', 'ours', { [here]: 1, 'c.1': 1 }, { dots: [['c.1' as never, 1]] })
    expect(driver.entries('c', [joined]).find('commit')).toBeUndefined()
    expect(driver.wish('c', 'f')).toMatchObject({ need: 'later' })
    driver.put('f', undefined)
    const done = driver.applied(removal.items)
    expect(done.one('commit').rows).toMatchObject([{ deleted: true }])
    expect(driver.wish('c', 'f')).toMatchObject({ need: 'resolve' })
    expect(done.fetches()).toEqual({ c: ['f'] })
  })

  it('lets go of what was made ready for another version', () => {
    const driver = holding('ours')
    driver.meet('c')
    const keep = driver.entries('b', [later]).one('apply')
    driver.linkDown('b')
    const kept = driver.applied(keep.items)
    expect(kept.fetches()).toEqual({})
    expect(driver.state.claims.size).toBe(0)
  })
})
