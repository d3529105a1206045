import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { directory, file, folder, tombstone, written } from '../../testing/entries.ts'
import { type Effects, here, StepDriver } from '../../testing/step-driver.ts'
import type { Entry } from '../causal/types.ts'
import { isTooMuch } from '../policy/deletion-limits.ts'
import { bounds } from './state.ts'

const guard = { share: 0.5, files: 3 }
const names = (count: number, prefix = 'd/'): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

/** A replica of ten files that `b` has told of all, with `b` connected. */
function filled(limits = guard): StepDriver {
  const driver = new StepDriver({ guard: limits })
  driver.meet('b')
  const entries = [
    directory('d', { 'b.1': 1 }),
    ...names(10).map((path, at) => file(path, `h${at}`, { 'b.1': at + 91 })),
  ]
  driver.index.commit({ rows: entries.map((entry) => ({ ...entry, stat: onDisk(entry).stat })) })
  for (const entry of entries) driver.put(entry.path, onDisk(entry))
  driver.entries('b', entries)
  return driver
}

const onDisk = (entry: Entry) => (entry.kind === 'dir' ? folder() : written(entry.hash))

function vanish(driver: StepDriver, ...paths: string[]): Effects {
  for (const path of paths) driver.put(path, undefined)
  return driver.observe(...paths)
}

/** Quiet has come: what is at stake, and the answer to it. */
function quiet(driver: StepDriver, facts = {}): Effects {
  return driver.weighed(driver.tick(1000).one('weigh_deletions'), facts)
}

/** The shell looks again at what it was told to. */
function looked(driver: StepDriver, effects: Effects): Effects {
  return driver.observe(...effects.one('observe').paths)
}

const deletedIn = (effects: Effects): string[] => {
  const rows = effects.find('commit')?.rows ?? []
  return rows.filter(({ deleted }) => deleted).map(({ path }) => path)
}

const tombstones = (paths: readonly string[], from = 200): Entry[] =>
  paths.map((path, at) => tombstone(path, { 'b.1': from + at }))

describe('deletions made here', () => {
  it('are told after a moment, when they are few', () => {
    const driver = filled()
    const seen = vanish(driver, 'd/0')
    expect(deletedIn(seen)).toEqual([])
    expect(seen.one('wake').at).toBe(driver.now + 60)
    expect(deletedIn(looked(driver, quiet(driver)))).toEqual(['d/0'])
    expect(driver.state.deletions.vanished.size).toBe(0)
  })

  it('wait for a person when they are too many, and nobody hears of any of them', () => {
    const driver = filled()
    const seen = vanish(driver, ...names(6))
    const weighed = quiet(driver)
    expect([...deletedIn(seen), ...deletedIn(weighed)]).toEqual([])
    expect(driver.state.deletions.waiting.here).toEqual({ files: 6, total: 10, cause: 'share' })
    expect(driver.state.knowledge).toEqual({ 'b.1': 100 })
    const approved = driver.send({ kind: 'deletions_approved' })
    expect(deletedIn(looked(driver, approved))).toEqual(names(6))
    expect(driver.state.deletions.waiting.here).toBeUndefined()
  })

  it('are weighed together, however many looks they take, and not while more may come', () => {
    const driver = filled()
    for (const path of names(6)) vanish(driver, path)
    const scanning = quiet(driver, { isScanning: true })
    expect(scanning.kinds).toEqual(['wake'])
    expect(quiet(driver, { isLooking: true }).kinds).toEqual(['wake'])
    quiet(driver)
    expect(driver.state.deletions.waiting.here).toMatchObject({ files: 6 })
  })

  it('leave twice as much time to other work as it takes to weigh them', () => {
    const driver = filled()
    for (const path of names(6)) vanish(driver, path)
    quiet(driver, { isScanning: true, tookMs: 5000 })
    expect(driver.tick(9999).find('weigh_deletions')).toBeUndefined()
    expect(driver.tick(1).find('weigh_deletions')).toBeDefined()
  })

  it('are told in the end where somebody works without pause', () => {
    const driver = filled()
    vanish(driver, 'd/0')
    expect(quiet(driver, { isBusy: true }).kinds).toEqual(['wake'])
    const later = driver.weighed(driver.tick(5000).one('weigh_deletions'), { isBusy: true })
    expect(deletedIn(looked(driver, later))).toEqual(['d/0'])
  })

  it('are weighed again when one more has come since the question', () => {
    const driver = filled()
    vanish(driver, ...names(5))
    const asked = driver.tick(1000).one('weigh_deletions')
    vanish(driver, 'd/5')
    expect(driver.weighed(asked).find('observe')).toBeUndefined()
    quiet(driver)
    expect(driver.state.deletions.waiting.here).toMatchObject({ files: 6 })
  })

  it('do not wait when the same contents are there under other names', () => {
    const driver = filled()
    driver.put('e', folder())
    for (const [at, path] of names(10, 'e/').entries()) driver.put(path, written(`h${at}`))
    driver.observe('e', ...names(10, 'e/'))
    vanish(driver, 'd', ...names(10))
    expect(deletedIn(looked(driver, quiet(driver)))).toHaveLength(11)
  })

  it('wait when one of many equal files is left', () => {
    const driver = new StepDriver({ guard })
    const entries = names(10).map((path, at) => file(path, 'same', { 'b.1': at + 1 }))
    driver.index.commit({ rows: entries.map((entry) => ({ ...entry, stat: written('same').stat })) })
    vanish(driver, ...names(9))
    quiet(driver)
    expect(driver.state.deletions.waiting.here).toMatchObject({ files: 9 })
  })

  it('wait no longer when all is back, or has turned out to be renamed; half of it back is no answer', () => {
    const driver = filled()
    vanish(driver, ...names(6))
    quiet(driver)
    for (const at of [0, 1, 2]) driver.edit(`d/${at}`, written(`h${at}`))
    driver.edit('note', written('n'))
    expect(driver.weighed(driver.tick(30_000).one('weigh_deletions')).find('observe')).toBeUndefined()
    expect(driver.state.deletions.waiting.here).toEqual({ files: 3, total: 11, cause: 'share' })
    for (const at of [3, 4, 5]) driver.edit(`e${at}`, written(`h${at}`))
    const renamed = driver.weighed(driver.tick(30_000).one('weigh_deletions'))
    expect(deletedIn(looked(driver, renamed))).toEqual(['d/3', 'd/4', 'd/5'])
  })

  it('wait when nothing is left in the root, however few files that were', () => {
    const driver = filled({ share: 1, files: Number.POSITIVE_INFINITY })
    vanish(driver, 'd', ...names(10))
    quiet(driver, { isEmptied: true })
    expect(driver.state.deletions.waiting.here).toEqual({ files: 10, total: 10, cause: 'emptied' })
  })

  it('leave other work alone: edits go out, a peer´s edit of a deleted file comes back', () => {
    const driver = filled()
    vanish(driver, ...names(6))
    quiet(driver)
    expect(driver.edit('new', written('n')).one('commit').rows).toMatchObject([{ path: 'new' }])
    const news = driver.entries('b', [file('d/0', 'edited', { 'b.1': 300 })])
    looked(driver, news)
    expect(deletedIn(driver.finish(news.one('fetch'), { left: ['d/0'] }))).toEqual(['d/0'])
    expect(driver.wish('b', 'd/0')).toMatchObject({ need: 'resolve', keep: false })
    expect(driver.state.deletions.vanished.size).toBe(5)
  })

  it('that a peer has made too are no longer this replica´s to tell', () => {
    const driver = filled()
    vanish(driver, ...names(6))
    quiet(driver)
    const news = driver.entries('b', tombstones(['d/0']))
    expect(looked(driver, news).one('commit').rows).toMatchObject([{ path: 'd/0', vector: { 'b.1': 200 } }])
  })
})

it('copies of each other save nothing when both are to go, here and at a peer', () => {
  const driver = new StepDriver({ guard: { share: 0.3, files: 5 } })
  driver.meet('b')
  const [own, theirs] = [names(6, 'a/'), names(6, 'b/')]
  const entries = [...own, ...theirs].map((path, at) => file(path, `h${at % 6}`, { 'b.1': at + 1 }))
  driver.index.commit({ rows: entries.map((entry) => ({ ...entry, stat: written('same').stat })) })
  vanish(driver, ...own)
  driver.entries('b', tombstones(theirs))
  quiet(driver)
  expect(driver.state.deletions.waiting).toMatchObject({ here: { files: 6 }, peers: { files: 6 } })
})

it('what comes after somebody was told how many wait is not meant by a word about them', () => {
  const driver = filled()
  vanish(driver, ...names(6))
  quiet(driver)
  vanish(driver, 'd/6', 'd/7')
  expect(deletedIn(looked(driver, driver.send({ kind: 'deletions_approved' })))).toEqual(names(6))
  expect([...driver.state.deletions.vanished].map(([path]) => path)).toEqual(['d/6', 'd/7'])
})

it('a word of a person concerns only what waits for one', () => {
  const driver = filled()
  driver.entries('b', tombstones(['d/9']), { complete: false })
  vanish(driver, 'd/0')
  for (const kind of ['deletions_approved', 'deletions_refused'] as const) {
    const said = driver.send({ kind })
    expect([deletedIn(said), said.operations(), said.find('observe')]).toEqual([[], {}, undefined])
  }
  expect(driver.wish('b', 'd/9')).toMatchObject({ isCleared: false })
})

it('deletions that are not too many wait for no looks', () => {
  const driver = filled()
  vanish(driver, ...names(5))
  expect(deletedIn(looked(driver, quiet(driver, { isLooking: true })))).toHaveLength(5)
})

describe('deletions that a peer tells of', () => {
  it('are done at once when they are few', () => {
    expect(
      filled()
        .entries('b', tombstones(['d/0', 'd/1']))
        .operations(),
    ).toEqual({ 'd/0': 'remove', 'd/1': 'remove' })
  })

  it('wait when they are too many; knowledge does not rise over them, and other work goes on', () => {
    const driver = filled()
    const news = driver.entries('b', [...tombstones(names(6)), file('new', 'n', { 'b.1': 300 })])
    expect(news.operations()).toEqual({})
    expect(news.fetches()).toEqual({ b: ['new'] })
    driver.place('new', written('n'))
    driver.finish(news.one('fetch'))
    expect(quiet(driver).operations()).toEqual({})
    expect(driver.state.deletions.waiting.peers).toEqual({ files: 6, total: 11, cause: 'share' })
    expect(driver.state.knowledge).toEqual({ 'b.1': 100 })
    expect(driver.send({ kind: 'deletions_approved' }).operations()).toMatchObject({ 'd/5': 'remove' })
  })

  it('are not begun with before the last page has come', () => {
    const driver = filled()
    const pages = [tombstones(names(2)), tombstones(names(6).slice(2), 202)]
    expect(driver.entries('b', pages[0] as Entry[], { complete: false, toSeq: 2 }).operations()).toEqual({})
    expect(driver.entries('b', pages[1] as Entry[], { toSeq: 3 }).operations()).toEqual({})
    quiet(driver)
    expect(driver.state.deletions.waiting.peers).toMatchObject({ files: 6 })
  })

  it('are done when the peer has moved the contents elsewhere', () => {
    const driver = filled()
    const moved = names(10, 'e/').map((path, at) => file(path, `h${at}`, { 'b.1': 300 + at }))
    driver.entries('b', [directory('e', { 'b.1': 250 }), ...moved, ...tombstones(names(10))])
    expect(Object.keys(quiet(driver).operations())).toHaveLength(10)
  })

  it('are told again by the peer after a restart, and wait again', () => {
    const driver = filled()
    driver.entries('b', tombstones(names(6)))
    quiet(driver)
    driver.linkDown('b')
    expect(driver.state.deletions.waiting.peers).toBeUndefined()
    driver.meet('b')
    expect(driver.entries('b', tombstones(names(6))).operations()).toEqual({})
    quiet(driver)
    expect(driver.state.deletions.waiting.peers).toMatchObject({ files: 6 })
  })

  it('that were meant are done without another question when the link was lost on the way', () => {
    const driver = filled()
    driver.entries('b', tombstones(names(6)))
    quiet(driver)
    driver.send({ kind: 'deletions_approved' })
    driver.linkDown('b')
    driver.meet('b')
    // The last of them is another deletion of the same path, and another question.
    driver.entries('b', [...tombstones(names(5)), tombstone('d/5', { 'b.1': 300 })])
    expect(names(6).map((path) => driver.wish('b', path)?.isCleared)).toEqual([true, true, true, true, true, false])
  })

  it('are asked about again when the word is old', () => {
    const driver = filled()
    driver.entries('b', tombstones(names(6)))
    quiet(driver)
    driver.send({ kind: 'deletions_approved' })
    driver.linkDown('b')
    driver.tick(25 * 3600_000)
    driver.meet('b')
    driver.entries('b', tombstones(names(6)))
    expect(driver.wish('b', 'd/0')).toMatchObject({ isCleared: false })
  })

  it('are done before the last page when nothing that came could be, and there is no room for more', () => {
    const driver = filled()
    const many = names(bounds.wanted, 'new ').map((path, at) => file(path, `n${at}`, { 'b.1': 1000 + at }))
    const page = [...tombstones(['d/0']), ...many]
    let news = driver.entries('b', page, { complete: false, toSeq: 2 })
    expect(news.operations()).toEqual({})
    for (let turns = 0; turns < 100 && news.find('fetch'); turns++)
      news = driver.finish(news.one('fetch'), { outcome: 'failed' })
    expect(news.operations()).toEqual({ 'd/0': 'remove' })
  })

  it('refused: this replica´s version wins as a change of its own, and only then does knowledge rise', () => {
    const driver = filled()
    driver.entries('b', tombstones(names(6)))
    quiet(driver)
    const refused = driver.send({ kind: 'deletions_refused' }).one('commit')
    expect(refused.rows[0]).toMatchObject({
      path: 'd/0',
      deleted: false,
      hash: 'h0',
      vector: { 'b.1': 200, [here]: 1 },
    })
    expect(refused.rows).toHaveLength(6)
    expect(refused.knowledge).toEqual({ 'b.1': 205, [here]: 6 })
    expect(driver.state.deletions.waiting.peers).toBeUndefined()
  })

  it('of an edited file do not count: the edit stays anyway', () => {
    const driver = filled()
    for (const path of names(6)) driver.edit(path, written(`mine ${path}`))
    const news = driver.entries('b', tombstones(names(6)))
    expect(news.operations()).toEqual({})
    expect(driver.tick(1000).find('weigh_deletions')).toBeUndefined()
  })
})

it('is too much only when both limits are passed', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(100), fc.nat(500), (lost, more, percent, files) => {
      const total = lost + more
      const tooMuch = isTooMuch({ lost, total }, { share: percent / 100, files })
      expect(tooMuch).toBe(lost >= files && lost > total * (percent / 100))
      // More is never less.
      if (tooMuch) expect(isTooMuch({ lost: lost + 1, total: total + 1 }, { share: percent / 100, files })).toBe(true)
    }),
  )
})
