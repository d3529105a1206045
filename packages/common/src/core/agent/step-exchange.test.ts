import { describe, expect, it } from 'vitest'
import { file, written } from '../../testing/entries.ts'
import { here, StepDriver } from '../../testing/step-driver.ts'
import type { ReplicaId } from '../causal/types.ts'
import { bounds } from './state.ts'

describe('a local edit', () => {
  it('is committed, read and sent, once', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const edited = driver.edit('f', written('x'))
    expect(edited.kinds).toEqual(['commit', 'read_entries'])
    expect(edited.one('commit')).toMatchObject({
      knowledge: { [here]: 1 },
      rows: [{ path: 'f', vector: { [here]: 1 }, dots: [[here, 1]] }],
    })
    const read = driver.answerRead(edited.one('read_entries'))
    expect(read.kinds).toEqual(['send_entries'])
    expect(read.one('send_entries')).toMatchObject({
      peer: 'b',
      rows: [{ path: 'f' }],
      complete: true,
      knowledge: { [here]: 1 },
    })
    const acknowledged = driver.summary('b', {
      knowledge: { [here]: 1 },
      received: 1,
      digest: driver.index.meta().digest,
    })
    expect(driver.answerRead(acknowledged.one('read_entries')).kinds).toEqual([])
  })

  it('is nobody´s edit when the content is as it was', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    const touched = driver.edit('f', written('x', { mtimeUs: 9_000_000 }))
    expect(touched.kinds).toEqual(['restat'])
    expect(driver.observe('f', 'never-there').find('commit')).toBeUndefined()
  })

  it('waits for the read under way, and follows it', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const read = driver.edit('f', written('x')).one('read_entries')
    expect(driver.edit('g', written('y')).kinds).toEqual(['commit'])
    expect(driver.answerRead(read).kinds).toEqual(['send_entries', 'read_entries'])
  })

  it('is told to peers who know less, and not to one who has it', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    driver.answerRead(driver.linkUp('b').one('read_entries'))
    const { digest } = driver.index.meta()
    const read = driver.summary('b', { knowledge: { [here]: 1 }, digest }).one('read_entries')
    expect(driver.answerRead(read).find('send_entries')).toBeUndefined()
  })
})

describe('two peers with full windows', () => {
  it('acknowledge each other´s pages all the same', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const paths = Array.from({ length: bounds.firstWindow }, (_, at) => `f${at}`)
    for (const path of paths) driver.put(path, written(path))
    driver.answerRead(driver.observe(...paths).one('read_entries'))
    const page = driver.entries('b', [file('g', 'x', { 'b.1': 1 })], { complete: false, toSeq: 7 })
    const read = page.one('read_entries')
    expect(read).toMatchObject({ limit: 0 })
    const answer = driver.answerRead(read)
    expect(answer.one('send_summary')).toMatchObject({ received: 7, complete: false })
    expect(answer.find('read_entries')).toBeUndefined()
  })
})

describe('meeting a peer', () => {
  it('says what we know before anything else', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    const read = driver.linkUp('b').one('read_entries')
    expect(read.limit).toBe(0)
    const first = driver.answerRead(read)
    expect(first.kinds).toEqual(['send_summary'])
    expect(first.one('send_summary')).toMatchObject({ knowledge: { [here]: 1 }, complete: false })
    const second = driver.summary('b').one('read_entries')
    expect(driver.answerRead(second).one('send_entries')).toMatchObject({ complete: true, rows: [{ path: 'f' }] })
  })

  it('is forgotten with the link', () => {
    const driver = new StepDriver()
    driver.meet('b')
    driver.entries('b', [file('f', 'x', { 'b.1': 1 })])
    driver.linkDown('b')
    expect(driver.state.peers.size).toBe(0)
    expect(driver.linkUp('b').one('read_entries')).toMatchObject({ since: 0, limit: 0 })
  })

  it('ignores what an earlier connection asked for', () => {
    const driver = new StepDriver()
    const old = driver.linkUp('b').one('read_entries')
    driver.linkDown('b')
    driver.linkUp('b')
    expect(driver.answerRead(old).kinds).toEqual([])
  })

  it('sends no more than the peer has acknowledged room for', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const paths = Array.from({ length: bounds.firstWindow + 500 }, (_, at) => `f${at}`)
    for (const path of paths) driver.put(path, written(path))
    const sent = driver.answerRead(driver.observe(...paths).one('read_entries'))
    expect(sent.one('send_entries').rows).toHaveLength(bounds.firstWindow)
    expect(sent.one('send_entries').complete).toBe(false)
    expect(sent.find('read_entries')).toBeUndefined()
    const rest = driver.summary('b', { received: sent.one('send_entries').toSeq, complete: false })
    expect(driver.answerRead(rest.one('read_entries')).one('send_entries')).toMatchObject({ complete: true })
  })

  it('sends everything again to one that asks', () => {
    const driver = new StepDriver()
    driver.meet('b')
    driver.answerRead(driver.edit('f', written('x')).one('read_entries'))
    const again = driver.send({ kind: 'resend_requested', peer: 'b' as never, all: true }).one('read_entries')
    expect(again).toMatchObject({ since: 0, knowledge: undefined })
    expect(driver.answerRead(again).one('send_entries').rows).toHaveLength(1)
  })
})

describe('equal knowledge with unequal digests', () => {
  it('asks for everything again, after a while, and not for ever', () => {
    const driver = new StepDriver()
    driver.meet('b')
    const other = 'f'.repeat(32)
    const seen = driver.answerRead(driver.summary('b', { digest: other }).one('read_entries'))
    expect(seen.kinds).toEqual(['wake'])
    expect(seen.one('wake').at).toBe(driver.now + bounds.disagreementMs)
    expect(driver.tick(bounds.disagreementMs - 1).find('read_entries')).toBeUndefined()
    const read = driver.tick(1).one('read_entries')
    expect(driver.answerRead(read).find('send_resend')).toBeDefined()
    expect(driver.tick(bounds.disagreementMs).find('read_entries')).toBeUndefined()
    expect(driver.tick(bounds.askAgainMs).find('read_entries')).toBeDefined()
  })
})

describe('reincarnation', () => {
  it('follows when a peer knows more of us than we do', () => {
    const driver = new StepDriver()
    driver.meet('b')
    expect(driver.summary('b', { knowledge: { [here]: 3 } }).kinds).toContain('reincarnate')
    driver.send({ kind: 'reincarnated', replica: 'here.2' as ReplicaId })
    const rows = driver.edit('f', written('x')).one('commit').rows
    expect(rows).toMatchObject([{ vector: { 'here.2': 1 }, dots: [['here.2', 1]] }])
    expect(driver.summary('b', { knowledge: { [here]: 3, 'here.2': 1 } }).kinds).not.toContain('reincarnate')
  })

  it('does not follow from what we know ourselves', () => {
    const driver = new StepDriver()
    driver.edit('f', written('x'))
    driver.meet('b')
    expect(driver.summary('b', { knowledge: { [here]: 1, 'b.1': 7 } }).kinds).not.toContain('reincarnate')
  })
})
