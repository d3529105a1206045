import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettleQueue } from './settle-queue.ts'

const big = 5 << 20

describe('SettleQueue', () => {
  it('hands a path out after 15 ms of rest', () => {
    const queue = new SettleQueue()
    expect(queue.nextDue()).toBeUndefined()
    queue.add('a', 1000)
    expect(queue.nextDue()).toBe(1015)
    expect(queue.take(1014, 10)).toEqual({ paths: [], rescan: undefined })
    queue.add('a', 1010)
    expect(queue.nextDue()).toBe(1025)
    expect(queue.take(1025, 10).paths).toEqual(['a'])
    expect(queue.take(9999, 10).paths).toEqual([])
    expect(queue.nextDue()).toBeUndefined()
  })

  it('waits no longer than 500 ms for one that never rests', () => {
    const queue = new SettleQueue()
    let taken = 0
    for (let now = 0; taken === 0; now += 10) {
      queue.add('busy', now)
      if (queue.take(now, 10).paths.length > 0) taken = now
    }
    expect(taken).toBe(500)
  })

  it('takes the oldest first and no more than asked for', () => {
    const queue = new SettleQueue()
    queue.add('b', 0)
    queue.add('a', 1)
    queue.add('c', 2)
    queue.add('b', 3)
    expect(queue.take(100, 2).paths).toEqual(['a', 'c'])
    expect(queue.nextDue()).toBe(18)
    expect(queue.take(100, 2).paths).toEqual(['b'])
  })

  it('leaves a big file that is being written alone for longer, but no more than once', () => {
    const queue = new SettleQueue()
    const isBeingWritten = (path: string): boolean => path === 'film'
    queue.add('film', 0)
    queue.add('note', 0)
    expect(queue.take(15, 10, isBeingWritten).paths).toEqual(['note'])
    expect(queue.nextDue()).toBe(265)
    queue.add('film', 30)
    expect(queue.take(279, 10, isBeingWritten).paths).toEqual([])
    expect(queue.take(280, 10, isBeingWritten).paths).toEqual(['film'])
    expect(queue.nextDue()).toBeUndefined()
  })

  it('leaves a big file that grows on alone for longer', () => {
    const queue = new SettleQueue()
    queue.add('film', 0)
    expect(queue.take(15, 10).paths).toEqual(['film'])
    queue.seen('film', big, 20)
    queue.add('film', 30)
    expect(queue.nextDue()).toBe(280)
    let taken = 0
    for (let now = 40; taken === 0; now += 10) {
      queue.add('film', now)
      if (queue.take(now, 10).paths.length > 0) taken = now
    }
    expect(taken).toBe(5030)
    queue.seen('film', big, 5040)
    queue.add('film', 5050)
    expect(queue.take(5299, 10).paths).toEqual([])
    expect(queue.take(5300, 10).paths).toEqual(['film'])
  })

  it('treats a big file that rested in between, and a small one, as any other', () => {
    const queue = new SettleQueue()
    queue.seen('film', big, 0)
    queue.seen('note', 10, 0)
    queue.add('note', 10)
    queue.add('film', 6000)
    expect(queue.take(6015, 10).paths).toEqual(['note', 'film'])
    queue.seen('film', big, 7000)
    queue.add('film', 7010, 100)
    expect(queue.nextDue()).toBe(7025)
  })

  it('asks for one scan when told to', () => {
    const queue = new SettleQueue()
    queue.addHint({ kind: 'path', path: 'a' }, 0)
    queue.addHint({ kind: 'rescan', reason: 'events_lost' }, 0)
    queue.addHint({ kind: 'rescan', reason: 'root_changed' }, 5)
    expect(queue.take(15, 10)).toEqual({ paths: ['a'], rescan: 'events_lost' })
    expect(queue.take(99, 10)).toEqual({ paths: [], rescan: undefined })
  })

  it('collapses into a scan above its bound', () => {
    const queue = new SettleQueue({ mostPaths: 100 })
    for (let at = 0; at < 500; at++) queue.add(`f${at}`, 10)
    expect(queue.size).toBe(0)
    expect(queue.nextDue()).toBe(510)
    expect(queue.take(510, 10)).toEqual({ paths: [], rescan: 'too_many_changes' })
    queue.add('later', 600)
    expect(queue.take(700, 10)).toEqual({ paths: ['later'], rescan: undefined })
  })

  it('honours a longer time of rest', () => {
    const queue = new SettleQueue({ quietMs: 60_000 })
    queue.add('a', 0)
    queue.add('a', 30_000)
    expect(queue.take(59_999, 10).paths).toEqual([])
    expect(queue.take(60_000, 10).paths).toEqual(['a'])
  })

  it('loses nothing, repeats nothing, and keeps its word on when', () => {
    const step = fc.record({
      path: fc.constantFrom('a', 'b', 'c', 'd'),
      wait: fc.integer({ min: 0, max: 300 }),
      bytes: fc.constantFrom(0, big),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new SettleQueue()
        const waiting = new Set<string>()
        let now = 0
        const takeAll = (): void => {
          const due = queue.nextDue()
          const { paths } = queue.take(now, 3)
          expect(paths.length > 0).toBe(due !== undefined && due <= now)
          for (const path of paths) expect(waiting.delete(path)).toBe(true)
        }
        for (const { path, wait, bytes } of steps) {
          queue.add(path, now)
          waiting.add(path)
          now += wait
          takeAll()
          queue.seen(path, bytes, now)
        }
        for (let round = 0; round < 3; round++) {
          now += 5001
          takeAll()
        }
        expect(waiting.size).toBe(0)
        expect(queue.size).toBe(0)
      }),
    )
  })
})
