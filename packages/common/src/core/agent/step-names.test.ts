import { describe, expect, it } from 'vitest'
import { arrived, directory, file, folder, tombstone, written } from '../../testing/entries.ts'
import { StepDriver } from '../../testing/step-driver.ts'

const caseless = (): StepDriver => {
  const driver = new StepDriver({ folding: { ignoresCase: true, ignoresForm: true } })
  driver.meet('b')
  return driver
}

const both = [file('A', 'x', { 'b.1': 1 }), file('a', 'y', { 'b.1': 2 }), file('other', 'z', { 'b.1': 3 })]

describe('where names that differ in case are the same', () => {
  it('the first of two comes, the other one waits, and the rest goes on', () => {
    const driver = caseless()
    const fetch = driver.entries('b', both).one('fetch')
    expect(fetch.items.map(({ entry }) => entry.path)).toEqual(['A', 'other'])
    for (const { entry } of fetch.items) driver.place(entry.path, arrived(entry.hash))
    expect(driver.finish(fetch).find('fetch')).toBeUndefined()
    expect(driver.wish('b', 'a')?.twin).toBe('A')
    expect(driver.tick(1_000_000).find('fetch')).toBeUndefined()
    expect(driver.state.knowledge).toEqual({})
  })

  it('what is here already keeps its place', () => {
    const driver = caseless()
    driver.edit('A', written('mine'))
    expect(driver.entries('b', [file('a', 'y', { 'b.1': 1 })]).find('fetch')).toBeUndefined()
    expect(driver.wish('b', 'a')?.twin).toBe('A')
  })

  it('a file made here in the meantime stands in the way, too', () => {
    const driver = caseless()
    driver.entries('b', [directory('d', { 'b.1': 1 }), file('d/f', 'y', { 'b.1': 2 })])
    driver.edit('D', folder())
    expect([driver.wish('b', 'd')?.twin, driver.wish('b', 'd/f')?.twin]).toEqual(['D', 'D'])
  })

  it('a rename of the case alone comes: the old name goes first', () => {
    const driver = caseless()
    const fetch = driver.entries('b', [file('A', 'x', { 'b.1': 1 })]).one('fetch')
    driver.place('A', arrived('x'))
    driver.finish(fetch)
    const renamed = [tombstone('A', { 'b.1': 2 }), file('a', 'x', { 'b.1': 3 })]
    const first = driver.entries('b', renamed)
    expect(first.operations()).toEqual({ A: 'remove' })
    expect(first.find('fetch')).toBeUndefined()
    driver.put('A', undefined)
    expect(driver.applied(first.one('apply').items).fetches()).toEqual({ b: ['a'] })
  })

  it('normal forms of Unicode do not count either', () => {
    const driver = caseless()
    driver.edit('\u00e9', written('mine'))
    driver.entries('b', [file('e\u0301', 'y', { 'b.1': 1 })])
    expect(driver.wish('b', 'e\u0301')?.twin).toBe('\u00e9')
  })
})

it('elsewhere both come', () => {
  const driver = new StepDriver()
  driver.meet('b')
  expect(driver.entries('b', both).fetches()).toEqual({ b: ['A', 'a', 'other'] })
})
