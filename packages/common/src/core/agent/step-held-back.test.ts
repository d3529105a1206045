import { describe, expect, it } from 'vitest'
import { arrived, directory, file, tombstone, written } from '../../testing/entries.ts'
import { type Effects, met, StepDriver } from '../../testing/step-driver.ts'
import type { Entry, NodeId } from '../causal/types.ts'
import type { Effect, EffectOf } from './events.ts'
import { isAtRest, isSettled } from './exchange.ts'
import { type Lack, lackOf } from './lack.ts'
import type { HoldsBack, PeerState } from './state.ts'
import { workWith } from './work.ts'

const b = 'b' as NodeId
const noFilms: HoldsBack = ({ path }) => path.endsWith('.mkv')
const set = (driver: StepDriver, holdsBack: HoldsBack | undefined): Effects =>
  driver.send({ kind: 'holds_back_set', peer: b, holdsBack })

/** A session brings what it was asked for. */
function bring(driver: StepDriver, fetch: EffectOf<'fetch'>): void {
  for (const { entry } of fetch.items) driver.place(entry.path, arrived(entry.hash))
  driver.finish(fetch)
}

const fetched = (effects: Effects): string[] => effects.find('fetch')?.items.map(({ entry }) => entry.path) ?? []
const film = file('film.mkv', 'film', { 'b.1': 1 })
const text = file('text', 'text', { 'b.1': 2 })

// Both ends may say it, and to the one that lacks the file it is the same.
const ways: readonly (readonly [string, (driver: StepDriver, entries: readonly Entry[]) => Effects])[] = [
  [
    'here',
    (driver, entries) => {
      driver.answerAll(set(driver, noFilms))
      return driver.entries('b', entries)
    },
  ],
  ['at the peer', (driver, entries) => driver.entries('b', entries, { heldBack: ['film.mkv'] })],
]

describe.each(ways)('a version that policy holds back %s', (where, hear) => {
  const lift = (driver: StepDriver): Effects =>
    where === 'here' ? set(driver, undefined) : driver.entries('b', [film], { toSeq: 3 })

  it('is not asked for, and knowledge does not rise over it, while everything else passes', () => {
    const driver = met('b')
    const effects = hear(driver, [film, text])
    expect(fetched(effects)).toEqual(['text'])
    bring(driver, effects.one('fetch'))
    expect(driver.index.get('text')).toBeDefined()
    expect(driver.state.knowledge).toEqual({})
    expect(driver.state.peers.get(b)?.wanted.size).toBe(1)
  })

  it('is asked for when it may pass, and then all of it is known', () => {
    const driver = met('b')
    hear(driver, [film])
    bring(driver, lift(driver).one('fetch'))
    expect(driver.state.knowledge).toEqual({ 'b.1': 1 })
  })

  it('goes unnoticed when it comes another way', () => {
    const driver = met('b')
    hear(driver, [film])
    driver.meet('c')
    const fetch = driver.entries('c', [film], { knowledge: { 'b.1': 1 } }).one('fetch')
    expect(fetch.peer).toBe('c')
    bring(driver, fetch)
    expect(driver.state.peers.get(b)?.wanted.size).toBe(0)
    expect(driver.state.knowledge).toEqual({ 'b.1': 1 })
  })

  it('needs nothing when it is here already, and when it has been deleted', () => {
    const driver = met('b')
    driver.edit('film.mkv', written('film'))
    hear(driver, [film])
    expect(driver.state.peers.get(b)?.wanted.size).toBe(0)
    hear(driver, [tombstone('film.mkv', { 'b.1': 2, ...driver.state.knowledge })])
    expect(driver.state.peers.get(b)?.wanted.get('film.mkv')?.isHeldBack).toBe(false)
  })

  it('is no conflict copy before it may pass', () => {
    const driver = met('b')
    driver.edit('film.mkv', written('mine'))
    const later = { ...film, mtimeUs: 2_000_000_000 }
    expect(hear(driver, [later]).find('apply')).toBeUndefined()
    expect(driver.state.peers.get(b)?.wanted.get('film.mkv')).toMatchObject({ need: 'resolve', isHeldBack: true })
  })

  it('is told to the peer as what is lacked', () => {
    const driver = met('b')
    const told = driver.answerAll(hear(driver, [film])).filter(({ kind }) => kind === 'send_summary')
    const amount = { files: 1, bytes: 4 }
    expect(told.at(-1)).toMatchObject({ lacks: { all: amount, heldBack: amount } })
    expect(lackOf(driver.state.peers.get(b) as PeerState)).toEqual({
      all: amount,
      heldBack: amount,
      isAllHeldBack: true,
    })
  })
})

describe('what goes to a peer', () => {
  it('is told whole, with what of it is held back; before, that there is such a thing', () => {
    const driver = met('b')
    driver.answerAll(set(driver, noFilms))
    driver.put('film.mkv', written('film'))
    driver.put('text', written('text'))
    const effects = driver.answerAll(driver.observe('film.mkv', 'text'))
    const entries = effects.find((effect) => effect.kind === 'send_entries')
    expect(entries?.rows.map(({ path }) => path)).toEqual(['film.mkv', 'text'])
    expect([...(entries?.heldBack ?? [])]).toEqual(['film.mkv'])
    expect(driver.state.peers.get(b)?.told).toMatchObject({ holdsBack: true, complete: true })
  })

  it('is told of again when the rules change', () => {
    const driver = met('b')
    driver.answerAll(set(driver, noFilms))
    driver.answerAll(driver.edit('film.mkv', written('film')))
    const again = driver.answerAll(set(driver, undefined))
    const entries = again.find((effect) => effect.kind === 'send_entries')
    expect(entries).toMatchObject({ rows: [{ path: 'film.mkv' }], heldBack: new Set() })
    expect(driver.state.peers.get(b)?.told).toMatchObject({ holdsBack: false })
  })

  it('begins with a word of this replica, whenever the rules change', () => {
    const driver = new StepDriver()
    driver.edit('film.mkv', written('film'))
    const read = driver.send({ kind: 'link_up', peer: b, holdsBack: noFilms }).one('read_entries')
    driver.summary('b')
    set(driver, undefined)
    const kinds = driver.answerAll(driver.answerRead(read)).map(({ kind }) => kind)
    expect(kinds.indexOf('send_summary')).toBeLessThan(kinds.indexOf('send_entries'))
    expect(kinds).toContain('send_summary')
  })

  it('is a beginning with the rules that policy has, and they outlive it when the peer begins anew', () => {
    const driver = new StepDriver()
    driver.answerRead(driver.send({ kind: 'link_up', peer: b, holdsBack: noFilms }).one('read_entries'))
    driver.summary('b', { collected: { 'x.1': 3 } })
    expect(driver.state.peers.get(b)?.holdsBack).toBe(noFilms)
  })
})

it('lets go of what was made ready for a version that is held back by then', () => {
  const driver = met('b')
  driver.edit('film.mkv', written('mine'))
  driver.entries('b', [text]).one('fetch')
  const later = { ...film, mtimeUs: 2_000_000_000 }
  driver.applied(driver.entries('b', [later], { toSeq: 2 }).one('apply').items)
  expect(driver.state.claims.get('film.mkv')?.stage).toBe('ready')
  expect(set(driver, noFilms).one('observe').paths).toContain('film.mkv')
})

it('asks for no directory whole of which something is held back', () => {
  const driver = met('b')
  set(driver, noFilms)
  const all = [directory('d', { 'b.1': 1 }), file('d/x', 'x', { 'b.1': 2 }), file('d/x.mkv', 'y', { 'b.1': 3 })]
  const fetch = driver.entries('b', all).one('fetch')
  expect(fetch.items.map(({ entry }) => entry.path)).toEqual(['d', 'd/x'])
  expect([...fetch.partial]).toContain('d')
})

it('a dispute does not lift what the peer holds back', () => {
  const driver = met('b')
  driver.entries('b', [film], { heldBack: ['film.mkv'] })
  const item = { remote: film, local: undefined, blockedBy: undefined }
  driver.send({ kind: 'entries_disputed', peer: b, items: [item] })
  expect(driver.state.peers.get(b)?.wanted.get('film.mkv')?.isHeldBack).toBe(true)
})

describe('when nothing but what is held back is left', () => {
  const own = (driver: StepDriver) => ({ scope: '', ...driver.index.meta() })
  const peerOf = (driver: StepDriver) => driver.state.peers.get(b) as PeerState
  const amount = { files: 1, bytes: 4 }

  it('the one that lacks it is at rest, and not settled', () => {
    const driver = met('b')
    driver.answerAll(driver.entries('b', [film], { heldBack: ['film.mkv'] }))
    expect(isAtRest(peerOf(driver), own(driver))).toBe(true)
    expect(isSettled(peerOf(driver), own(driver))).toBe(false)
    driver.entries('b', [text], { toSeq: 2 })
    expect(isAtRest(peerOf(driver), own(driver))).toBe(false)
  })

  it('so are both ends of a conflict of which the winner is held back', () => {
    const lacksIn = (effects: readonly Effect[]): Lack => {
      const said = effects.findLast((effect) => effect.kind === 'send_summary')
      return said?.lacks as Lack
    }
    const loser = met('b')
    loser.answerAll(loser.edit('film.mkv', written('mine')))
    const newer = { ...film, mtimeUs: 2_000_000_000 }
    const byLoser = lacksIn(loser.answerAll(loser.entries('b', [newer], { heldBack: ['film.mkv'] })))
    const winner = met('b')
    winner.answerAll(set(winner, noFilms))
    winner.answerAll(winner.edit('film.mkv', written('newer')))
    const byWinner = lacksIn(winner.answerAll(winner.entries('b', [tombstone('film.mkv', { 'b.1': 1 })])))
    expect(winner.wish('b', 'film.mkv')).toMatchObject({ need: 'wait', isHeldBack: false })
    expect(isAtRest(peerOf(winner), own(winner))).toBe(false)
    const received = (driver: StepDriver): number => driver.index.meta().seq
    winner.answerAll(winner.summary('b', { knowledge: { 'b.1': 1 }, received: received(winner), lacks: byLoser }))
    expect(isAtRest(peerOf(winner), own(winner))).toBe(true)
    const said = { knowledge: { 'b.1': 1 }, received: received(loser), holdsBack: true }
    loser.answerAll(loser.summary('b', { ...said, lacks: byWinner }))
    expect(isAtRest(peerOf(loser), own(loser))).toBe(true)
    expect([byLoser, byWinner]).toMatchObject([
      { heldBack: { files: 1 }, isAllHeldBack: true },
      { all: { files: 0 }, isAllHeldBack: true },
    ])
  })

  it('so is the one that has it, once it has been told so, and has nothing to pass', () => {
    const driver = met('b')
    driver.answerAll(set(driver, noFilms))
    driver.answerAll(driver.edit('film.mkv', written('film')))
    const work = () => workWith(driver.state, peerOf(driver), { ...driver.index.meta(), allowed: 'open' })
    expect([isAtRest(peerOf(driver), own(driver)), work()]).toEqual([false, 'now'])
    const received = driver.index.meta().seq
    driver.answerAll(driver.summary('b', { received, lacks: { all: amount, heldBack: amount, isAllHeldBack: true } }))
    expect([isAtRest(peerOf(driver), own(driver)), work()]).toEqual([true, 'none'])
    driver.edit('text', written('text'))
    expect([isAtRest(peerOf(driver), own(driver)), work()]).toEqual([false, 'now'])
  })
})

describe('a replica that does not know what the peer holds back', () => {
  const held = (driver: StepDriver): void => {
    driver.answerAll(driver.edit('film.mkv', written('film')))
    const { knowledge, seq } = driver.index.meta()
    driver.answerAll(driver.summary('b', { knowledge, received: seq, holdsBack: true }))
  }
  const damaged = (driver: StepDriver): Effects => {
    driver.put('film.mkv', written('torn'))
    const item = { ...driver.seen('film.mkv'), isHeldElsewhere: true, otherwise: 'edit' as const }
    return driver.send({ kind: 'damage_found', items: [item] })
  }

  it('asks before it has a damaged file healed', () => {
    const driver = met('b')
    held(driver)
    const row = driver.index.get('film.mkv') as Entry
    const effects = damaged(driver)
    expect([effects.find('fetch'), effects.find('apply'), effects.find('send_resend')?.peer]).toEqual([
      undefined,
      undefined,
      b,
    ])
    const { stat: _stat, seq: _seq, ...remote } = row as Entry & { stat: unknown; seq: unknown }
    const kept = driver.entries('b', [remote], { knowledge: row.vector })
    driver.applied(kept.one('apply').items)
    expect(driver.wish('b', 'film.mkv')?.isHeldBack).toBe(false)
  })

  it('has it healed by another that holds nothing back', () => {
    const driver = met('b')
    held(driver)
    driver.meet('c')
    const { knowledge, seq } = driver.index.meta()
    driver.answerAll(driver.summary('c', { knowledge, received: seq }))
    const effects = damaged(driver)
    expect(effects.find('send_resend')).toBeUndefined()
    expect(effects.one('apply').items[0]?.peer).toBe('c')
  })

  it('asks in a dispute about what it has never been told of', () => {
    const driver = met('b')
    driver.answerAll(driver.summary('b', { knowledge: { 'b.1': 1 }, holdsBack: true, complete: false }))
    const item = { remote: film, local: undefined, blockedBy: undefined }
    const effects = driver.send({ kind: 'entries_disputed', peer: b, items: [item] })
    expect([effects.find('fetch'), effects.find('send_resend')?.peer]).toEqual([undefined, b])
    expect(driver.entries('b', [film]).fetches()).toEqual({ b: ['film.mkv'] })
  })
})

it('a session that brings what may not come any more is stopped, once', () => {
  const driver = met('b')
  const other = file('other.mkv', 'x', { 'b.1': 3 })
  const { id } = driver.entries('b', [film, other, text]).one('fetch')
  const effects = driver.entries('b', [film, other], { toSeq: 4, heldBack: ['film.mkv', 'other.mkv'] })
  expect(effects.all.filter(({ kind }) => kind === 'stop_fetch')).toEqual([{ kind: 'stop_fetch', peer: b, id }])
  expect(driver.entries('b', [text], { toSeq: 5 }).find('stop_fetch')).toBeUndefined()
})

it('makes no room for what is held back together with its directory', () => {
  const operations = (heldBack: string[]): Record<string, string> => {
    const driver = met('b')
    driver.answerAll(driver.edit('d', written('mine')))
    const known = { ...driver.index.meta().knowledge, 'b.1': 1 }
    const told = [directory('d', known), file('d/x', 'x', { 'b.1': 2 })]
    return driver.entries('b', told, { knowledge: { ...known, 'b.1': 2 }, heldBack }).operations()
  }
  expect(operations([])).toEqual({ d: 'remove mkdir' })
  expect(operations(['d', 'd/x'])).toEqual({})
  expect(operations(['d/x'])).toEqual({ d: 'remove mkdir' })
})

it('never says that less than nothing was received, whatever is told anew', () => {
  const driver = met('b')
  const first = driver.entries('b', [film, text], { toSeq: 2, heldBack: ['film.mkv'] })
  driver.place('text', arrived('text'))
  driver.answerAll(first)
  driver.answerAll(driver.finish(first.one('fetch')))
  expect(driver.state.peers.get(b)?.told?.received).toBe(2)
  driver.entries('b', [film], { toSeq: 2, heldBack: ['film.mkv'] })
  const said = driver.answerAll(set(driver, noFilms)).filter((effect) => effect.kind === 'send_summary')
  expect(said.map(({ received }) => received)).toEqual([0, 2])
})
