import { describe, expect, it } from 'vitest'
import { Keepalive, type KeepaliveAction } from './keepalive.ts'

function make(dialed: boolean): Keepalive {
  return new Keepalive({ dialed, now: 0, random: () => 0.5 })
}

/** Follows the deadlines until something is to be done. */
function next(keepalive: Keepalive, from: number): { at: number; action: KeepaliveAction } {
  for (let now = from; ; now += keepalive.waitMs(now)) {
    const action = keepalive.due(now)
    if (action !== 'none') return { at: now, action }
  }
}

describe('Keepalive', () => {
  it('pings an idle link every 50 s from the side that dialled', () => {
    const keepalive = make(true)
    const times: number[] = []
    for (let now = 0; times.length < 3; ) {
      const { at, action } = next(keepalive, now)
      expect(action).toBe('ping')
      times.push(at)
      keepalive.pinged(at)
      keepalive.received(at + 1)
      now = at + 1
    }
    expect(times).toEqual([50_000, 100_000, 150_000])
  })

  it('lets the dialled side ask only when the other has missed its turn', () => {
    const keepalive = make(false)
    keepalive.received(50_000)
    expect(next(keepalive, 50_000)).toEqual({ at: 130_000, action: 'ping' })
  })

  it('waits less where there are other addresses to go over', () => {
    const keepalive = new Keepalive({ dialed: true, now: 0, random: () => 0.5, isImpatient: () => true })
    expect(next(keepalive, 0)).toEqual({ at: 20_000, action: 'ping' })
    keepalive.pinged(20_000)
    keepalive.received(20_001)
    keepalive.sent(21_000)
    expect(next(keepalive, 21_000)).toEqual({ at: 25_000, action: 'ping' })
    keepalive.pinged(25_000)
    expect(next(keepalive, 25_000)).toEqual({ at: 30_000, action: 'close' })
  })

  it('asks 10 s after unanswered traffic and gives up after 20 s', () => {
    const keepalive = make(true)
    expect(keepalive.sent(1000)).toBe(true)
    expect(keepalive.sent(2000)).toBe(false)
    expect(next(keepalive, 2000)).toEqual({ at: 11_000, action: 'ping' })
    keepalive.pinged(11_000)
    expect(next(keepalive, 11_000)).toEqual({ at: 21_000, action: 'close' })
  })

  it('takes any byte for an answer', () => {
    const keepalive = make(true)
    keepalive.sent(1000)
    keepalive.received(5000)
    expect(next(keepalive, 5000)).toEqual({ at: 50_000, action: 'ping' })
  })

  it('gives a link up 20 s after an unanswered ping', () => {
    const keepalive = make(true)
    keepalive.pinged(50_000)
    expect(next(keepalive, 50_000)).toEqual({ at: 70_000, action: 'close' })
  })

  it('is more patient while a stream still moves', () => {
    const keepalive = make(true)
    keepalive.sent(0)
    keepalive.pinged(10_000)
    keepalive.streamMoved(19_000)
    expect(keepalive.due(20_000)).toBe('none')
    expect(next(keepalive, 20_000)).toEqual({ at: 39_000 + 21_000, action: 'close' })
  })

  it('gives up within 5 s when hurried, unless something comes', () => {
    const keepalive = make(true)
    keepalive.hurry(1000)
    keepalive.pinged(1000)
    expect(next(keepalive, 1000)).toEqual({ at: 6000, action: 'close' })
    keepalive.received(3000)
    expect(next(keepalive, 3000).action).toBe('ping')
  })
})
