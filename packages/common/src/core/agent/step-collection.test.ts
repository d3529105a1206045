import { describe, expect, it } from 'vitest'
import { file, tombstone, written } from '../../testing/entries.ts'
import { here, StepDriver, self } from '../../testing/step-driver.ts'
import { plain } from '../causal/change.ts'
import type { Member } from '../causal/members.ts'
import type { NodeId, Row, VersionVector } from '../causal/types.ts'

const node = (name: string): NodeId => name as NodeId
const word = (name: string, knowledge: VersionVector, ...neighbours: string[]): Member => {
  return { node: node(name), version: 1, knowledge, neighbours: neighbours.map(node) }
}

/** A file made and deleted here, known to b; and b knows c. */
function deleted(): StepDriver {
  const driver = new StepDriver({ wordEveryMs: 1000 })
  driver.send({ kind: 'sharers_set', nodes: [node('b')] })
  driver.meet('b')
  driver.edit('f', written('x'))
  driver.edit('f', undefined)
  return driver
}

const tell = (driver: StepDriver, ...members: Member[]) =>
  driver.send({ kind: 'members_received', peer: node('b'), members })

/** Looks for what may go, as the shell would. */
function collect(driver: StepDriver, since = 0): void {
  driver.send({ kind: 'tombstones_read', ...driver.index.tombstones(since, 10) })
}

describe('a tombstone', () => {
  const all = { [here]: 2 }

  it('goes when everybody has it, and not before', () => {
    const driver = deleted()
    expect(tell(driver, word('b', all, 'here', 'c')).find('read_tombstones')).toBeUndefined()
    expect(tell(driver, word('c', { [here]: 1 }, 'b')).find('read_tombstones')).toBeDefined()
    collect(driver)
    expect(driver.index.get('f')?.deleted).toBe(true)
    expect(tell(driver, { ...word('c', all, 'b'), version: 2 }).find('read_tombstones')).toBeDefined()
    collect(driver)
    expect(driver.index.get('f')).toBeUndefined()
    expect(driver.index.meta().collected).toEqual(all)
  })

  it('waits for a member that is away, and not for one that a person has removed', () => {
    const driver = deleted()
    tell(driver, word('b', { [here]: 1 }, 'here'))
    driver.linkDown('b')
    collect(driver)
    expect(driver.index.get('f')?.deleted).toBe(true)
    expect(driver.send({ kind: 'sharers_set', nodes: [] }).find('read_tombstones')).toBeDefined()
    collect(driver)
    expect(driver.index.get('f')).toBeUndefined()
  })

  it('waits for a member that is away also when that has got a new id', () => {
    const driver = deleted()
    tell(driver, word('b', { [here]: 1 }, 'here'))
    driver.linkDown('b')
    const formerIds = new Map([[node('b2'), [node('b')]]])
    driver.send({ kind: 'sharers_set', nodes: [node('b2')], formerIds })
    collect(driver)
    expect(driver.index.get('f')?.deleted).toBe(true)
    driver.meet('b2')
    driver.send({ kind: 'members_received', peer: node('b2'), members: [{ ...word('b2', all, 'here'), version: 2 }] })
    collect(driver)
    expect(driver.index.get('f')).toBeUndefined()
  })

  it('stays while somebody wants something at its place', () => {
    const driver = deleted()
    tell(driver, word('b', all, 'here'))
    driver.entries('b', [file('f', 'y', { 'b.1': 1 })])
    collect(driver)
    expect(driver.index.get('f')?.deleted).toBe(true)
  })

  it('that has gone does not come back, and does not change the digest', () => {
    const driver = deleted()
    const { digest } = driver.index.meta()
    tell(driver, word('b', all, 'here'))
    collect(driver)
    driver.entries('b', [tombstone('f', all)], { knowledge: all })
    expect(driver.index.get('f')).toBeUndefined()
    expect(driver.index.meta().digest).toBe(digest)
  })
})

describe('what has been deleted and forgotten', () => {
  function forgotten(): StepDriver {
    const driver = deleted()
    tell(driver, word('b', { [here]: 2 }, 'here'))
    collect(driver)
    driver.meet('c')
    return driver
  }

  it('is dead when it comes from one who was not told', () => {
    const driver = forgotten()
    const { rows } = driver.entries('c', [file('f', 'x', { [here]: 1 })], { knowledge: { [here]: 1 } }).one('commit')
    expect(rows).toMatchObject([{ path: 'f', deleted: true, vector: { [here]: 3 }, dots: [[here, 3]] }])
  })

  it('is dead also when it has won against something else there since', () => {
    const driver = forgotten()
    const settled = file('f', 'x', { [here]: 1, 'c.1': 1 }, { dots: [[here, 1]] })
    const { rows } = driver.entries('c', [settled], { knowledge: { [here]: 1, 'c.1': 1 } }).one('commit')
    expect(rows).toMatchObject([{ path: 'f', deleted: true, vector: { [here]: 3, 'c.1': 1 } }])
  })

  it('is not what a machine takes no part in, of which it has nothing to show', () => {
    const driver = forgotten()
    const item = { remote: file('f', 'x', { [here]: 1 }), local: undefined, blockedBy: undefined, isUnwanted: true }
    const said = {
      toSeq: 1,
      complete: true,
      knowledge: { [here]: 1 },
      digest: driver.index.meta().digest,
      partial: false,
    }
    const effects = driver.send({ kind: 'entries_received', peer: node('c'), items: [item], ...said })
    expect(effects.find('commit')?.rows ?? []).toEqual([])
  })

  it('is not what has been lost here, and comes to heal it', () => {
    const driver = deleted()
    driver.edit('kept', written('good'))
    const row = driver.index.get('kept') as Row
    tell(driver, word('b', { [here]: 3 }, 'here'))
    collect(driver)
    driver.meet('c')
    driver.answerAll(driver.summary('c', { knowledge: { [here]: 3, 'c.1': 1 }, holdsBack: true, complete: false }))
    driver.put('kept', written('torn'))
    const seen = { ...driver.seen('kept'), isHeldElsewhere: true, otherwise: 'edit' as const }
    expect(driver.send({ kind: 'damage_found', items: [seen] }).find('send_resend')).toBeDefined()
    driver.entries('c', [plain(row)], { knowledge: { 'c.1': 1 } })
    expect(driver.wish('c', 'kept')).toMatchObject({ need: 'resolve', isHeldBack: false })
  })

  it('is an edit when somebody there has changed it since', () => {
    const driver = forgotten()
    const edited = file('f', 'y', { [here]: 1, 'c.1': 1 }, { dots: [['c.1' as typeof here, 1]] })
    expect(driver.entries('c', [edited], { knowledge: { [here]: 1, 'c.1': 1 } }).fetches()).toEqual({ c: ['f'] })
  })

  it('gives way to what has been made here since, without a conflict', () => {
    const driver = deleted()
    const all = { [here]: 2, 'b.1': 2 }
    driver.entries('b', [tombstone('g', { 'b.1': 2 })], { knowledge: all })
    tell(driver, word('b', all, 'here'))
    collect(driver)
    driver.meet('c')
    driver.edit('g', written('new'))
    driver.entries('c', [file('g', 'old', { 'b.1': 1 })], { knowledge: {} })
    expect(driver.wish('c', 'g')).toBeUndefined()
    expect(driver.index.get('g')).toMatchObject({ hash: 'new', vector: { [here]: 4, 'b.1': 1 }, dots: [[here, 3]] })
  })

  it('is damage here, and fetched, when it comes from one who was told', () => {
    const driver = forgotten()
    const knowledge = { [here]: 2 }
    expect(driver.entries('c', [file('f', 'x', { [here]: 1 })], { knowledge }).fetches()).toEqual({ c: ['f'] })
  })
})

describe('a replica that was not told what others have forgotten', () => {
  const theirs = { 'b.1': 5 }

  function late(): StepDriver {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    driver.answerRead(driver.linkUp('b').one('read_entries'))
    return driver
  }

  it('lists all that it has, and knows no more before that was seen', () => {
    const driver = late()
    const knowledge = { [here]: 1, ...theirs }
    const read = driver.summary('b', { knowledge, collected: theirs, complete: true }).one('read_entries')
    expect(read.knowledge).toBeUndefined()
    const { toSeq } = driver.answerRead(read).one('send_entries')
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    const seen = driver.summary('b', { knowledge, collected: theirs, received: toSeq, complete: true })
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    // Nothing has come meanwhile that would have to be seen as well.
    driver.answerRead(seen.one('read_entries'))
    expect(driver.state.knowledge).toEqual(knowledge)
  })

  it('does not take over what would make something dead of a third machine look alive', () => {
    const driver = late()
    driver.meet('c')
    const knowledge = { [here]: 1, ...theirs }
    const read = driver.summary('b', { knowledge, collected: theirs, complete: true }).one('read_entries')
    const { toSeq } = driver.answerRead(read).one('send_entries')
    const dead = driver.entries('c', [file('g', 'dead', { 'b.1': 3 })], { knowledge: {} })
    driver.answerRead(driver.summary('b', { knowledge, received: toSeq, complete: true }).one('read_entries'))
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    driver.place('g', written('dead'))
    const fetched = driver.finish(dead.one('fetch'))
    expect(driver.index.get('g')).toMatchObject({ deleted: false })
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    // Nor when it is here: b knows that version, and can say that it is dead only when it is told of it.
    const reads = fetched.all.filter((effect) => effect.kind === 'read_entries')
    const sent = reads.flatMap((effect) => driver.answerRead(effect).all)
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    const told = sent.filter((effect) => effect.kind === 'send_entries').filter(({ peer }) => peer === 'b')
    expect(told.flatMap(({ rows }) => rows.map(({ path }) => path))).toEqual(['g'])
    // Seen is not answered: what b said before did not reckon with it.
    const shown = told[0]?.toSeq ?? 0
    const after = driver.summary('b', { knowledge, received: shown, complete: false })
    for (let read = after.find('read_entries'); read; read = driver.answerRead(read).find('read_entries'));
    expect(driver.state.knowledge).toEqual({ [here]: 1 })
    const answer = driver.summary('b', { knowledge, received: shown, complete: true })
    for (let read = answer.find('read_entries'); read; read = driver.answerRead(read).find('read_entries'));
    expect(driver.state.knowledge).toEqual(knowledge)
  })

  it('shows what came from a third machine also where the peer has told of another version', () => {
    const driver = late()
    driver.meet('c')
    const knowledge = { [here]: 1, ...theirs, 'b.2': 1 }
    const read = driver.summary('b', { knowledge, collected: theirs, complete: true }).one('read_entries')
    const { toSeq } = driver.answerRead(read).one('send_entries')
    driver.summary('b', { knowledge, received: toSeq, complete: true })
    const dead = driver.entries('c', [file('g', 'dead', { 'b.1': 3 }, { mtimeUs: 9_000_000 })], { knowledge: {} })
    driver.entries('b', [file('g', 'new', { 'b.2': 1 })], { knowledge, toSeq: 1 })
    driver.place('g', written('dead', { mtimeUs: 9_000_000 }))
    const fetched = driver.finish(dead.one('fetch'))
    const reads = fetched.all.filter((effect) => effect.kind === 'read_entries')
    const sent = reads.flatMap((effect) => driver.answerRead(effect).all)
    const told = sent.filter((effect) => effect.kind === 'send_entries').filter(({ peer }) => peer === 'b')
    expect(told.flatMap(({ rows }) => rows.map(({ path }) => path))).toContain('g')
  })

  it('takes over, with the knowledge, what has been left out of it', () => {
    const driver = late()
    const knowledge = { [here]: 1, ...theirs }
    const { toSeq } = driver
      .answerRead(driver.summary('b', { knowledge, collected: theirs }).one('read_entries'))
      .one('send_entries')
    driver.answerRead(driver.summary('b', { knowledge, received: toSeq }).one('read_entries'))
    expect(driver.index.meta().collected).toEqual(theirs)
    driver.answerRead(driver.linkUp('c').one('read_entries'))
    const told = driver.answerRead(driver.summary('c').one('read_entries'))
    expect(told.find('send_summary')?.collected ?? theirs).toEqual(theirs)
  })

  it('begins anew with a peer that it had been in step with', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const again = driver.summary('b', { knowledge: theirs, collected: theirs })
    const { round } = again.one('send_resend')
    expect(round).toBeDefined()
    driver.edit('f', written('x'))
    expect(driver.summary('b', { knowledge: theirs, collected: theirs }).kinds).toEqual([])
  })
})

describe('a member´s word', () => {
  it('is newer than what others remember of it when its index was lost', () => {
    const driver = deleted()
    const { members } = tell(driver, { ...word('here', {}), node: self, version: 7 }).one('send_members')
    const told = members.find((one) => one.node === self)
    expect(told).toMatchObject({ version: 8, knowledge: { [here]: 2 }, neighbours: ['b'] })
  })

  it('is said at once when there is a new neighbour, and seldom when there is more knowledge', () => {
    const driver = new StepDriver({ wordEveryMs: 1000 })
    driver.send({ kind: 'sharers_set', nodes: [node('b')] })
    driver.linkUp('b')
    expect(driver.summary('b').one('send_members').members).toMatchObject([{ node: self, neighbours: ['b'] }])
    expect(driver.edit('f', written('x')).find('send_members')).toBeUndefined()
    expect(driver.tick(2000).one('send_members').members).toMatchObject([{ knowledge: { [here]: 1 } }])
    expect(driver.tick(5000).all).toEqual([])
  })
})
