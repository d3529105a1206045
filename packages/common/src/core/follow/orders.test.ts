import { describe, expect, it } from 'vitest'
import type { FolderId, NodeId } from '../causal/types.ts'
import { type OrderRefusal, Orders, type Standing, stuckAfterMs, unheardMs } from './orders.ts'

const folder = 'f' as FolderId
const peer = 'b' as NodeId

class Scene {
  now = 1000
  standing: Standing = { kind: 'working' }
  refusal: OrderRefusal | undefined
  readonly doors: string[] = []
  readonly orders = new Orders({
    now: () => this.now,
    refusalOf: () => this.refusal,
    standing: () => this.standing,
    open: (_, to) => void this.doors.push(`open ${to}`),
    close: (_, to) => void this.doors.push(`close ${to}`),
  })

  take(id = 'x', expiresInMs = 40_000) {
    return this.orders.take({ id, folder, peer, expiresInMs })
  }
}

describe('an order', () => {
  it.each([
    ['both are equal', { kind: 'settled', heard: 1 }, 0, 'equal'],
    ['the link is gone', { kind: 'apart' }, 0, 'unreachable'],
    ['what is left waits', { kind: 'stuck', reason: 'f: no space' }, stuckAfterMs + 1, 'incomplete'],
    ['its time is over', { kind: 'working' }, 40_000, 'expired'],
  ] as const)('opens a door until %s', (_, standing, after, outcome) => {
    const scene = new Scene()
    expect(scene.take()).toEqual({ id: 'x', accepted: true })
    expect(scene.orders.review()).toBe(false)
    scene.standing = standing
    scene.now += after
    expect(scene.orders.review()).toBe(true)
    expect(scene.doors).toEqual(['open b', 'close b'])
    expect(scene.orders.finished).toMatchObject([{ id: 'x', outcome }])
    expect(scene.orders.ids).toEqual([])
  })

  it('is not stuck before what waits has been tried once more', () => {
    const scene = new Scene()
    scene.take()
    scene.standing = { kind: 'stuck', reason: 'f' }
    scene.now += stuckAfterMs
    expect(scene.orders.review()).toBe(false)
  })

  describe('that was quicker than the peer’s own word', () => {
    const early = (): Scene => {
      const scene = new Scene()
      scene.standing = { kind: 'settled', heard: 'old' }
      scene.take()
      expect(scene.orders.review()).toBe(false)
      return scene
    }

    it('is not over by what was equal before', () => {
      const scene = early()
      scene.standing = { kind: 'working' }
      expect(scene.orders.review()).toBe(false)
      scene.standing = { kind: 'settled', heard: 'new' }
      expect(scene.orders.review()).toBe(true)
    })

    it('is over when the peer says that there is nothing', () => {
      const scene = early()
      scene.standing = { kind: 'settled', heard: 'new' }
      expect(scene.orders.review()).toBe(true)
    })

    it('is over when nothing is heard for a while', () => {
      const scene = early()
      scene.now += unheardMs + 1
      expect(scene.orders.review()).toBe(true)
      expect(scene.orders.finished).toMatchObject([{ outcome: 'equal' }])
    })
  })

  it('that comes twice is done once', () => {
    const scene = new Scene()
    scene.take()
    scene.standing = { kind: 'settled', heard: 1 }
    scene.orders.review()
    expect(scene.take()).toEqual({ id: 'x', accepted: true })
    expect(scene.doors).toEqual(['open b', 'close b'])
  })

  it('gives way to a newer one for the same edge, and the door stays open', () => {
    const scene = new Scene()
    scene.take('x')
    scene.now += 39_000
    scene.take('y')
    scene.now += 2000
    expect(scene.orders.review()).toBe(false)
    expect(scene.orders.finished).toMatchObject([{ id: 'x', outcome: 'superseded' }])
    expect([scene.orders.ids, scene.doors]).toEqual([['y'], ['open b', 'open b']])
  })

  it('that cannot be carried out is refused with a reason', () => {
    const scene = new Scene()
    scene.refusal = 'folder_not_held'
    expect(scene.take()).toMatchObject({
      accepted: false,
      code: 'folder_not_held',
      reason: expect.stringContaining('folder'),
    })
    expect(scene.doors).toEqual([])
  })

  it('ends with all others when this node follows orders no more, and is told of until somebody has heard', () => {
    const scene = new Scene()
    scene.take()
    scene.orders.dropAll()
    const told = scene.orders.finished
    expect(told).toMatchObject([{ outcome: 'superseded' }])
    scene.take('y')
    scene.orders.dropAll()
    scene.orders.told(told)
    expect(scene.orders.finished).toMatchObject([{ id: 'y' }])
  })
})
