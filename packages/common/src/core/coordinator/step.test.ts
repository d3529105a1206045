import { describe, expect, it } from 'vitest'
import type { Digest, FolderId, NodeId } from '../causal/types.ts'
import type { CoordinatorEffect, CoordinatorEvent } from './events.ts'
import type { Effective, FinishedOrder, LinkFacts, ReplicaFacts } from './facts.ts'
import { bounds, initialState } from './state.ts'
import { step } from './step.ts'

const folder = 'f' as FolderId
const [a, b, c] = ['a', 'b', 'c'] as NodeId[] as [NodeId, NodeId, NodeId]

type WithoutTime = CoordinatorEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> : never) : never
type SendOrder = Extract<CoordinatorEffect, { kind: 'send_order' }>

interface Said {
  readonly digest?: string
  readonly counter?: number
  readonly peers?: readonly NodeId[]
  readonly effective?: Effective
  readonly finished?: readonly FinishedOrder[]
  readonly links?: readonly Partial<LinkFacts>[]
  readonly full?: boolean
  readonly seq?: number
  readonly scope?: string
  readonly narrow?: readonly NodeId[]
}

class Driver {
  state = initialState(7, { mode: 'centralised', objective: 0.5, leafOnly: new Set() })
  now = 1000
  readonly #seq = new Map<NodeId, number>()

  send(event: WithoutTime): readonly CoordinatorEffect[] {
    const { state, effects } = step(this.state, { ...event, at: this.now } as CoordinatorEvent)
    this.state = state
    return effects
  }

  /** A node says how things are with it: its replica of the folder, joined with `peers`, over links that are up. */
  says(node: NodeId, said: Said = {}): readonly CoordinatorEffect[] {
    const {
      digest = '0',
      counter = 0,
      peers = [],
      effective = 'centralised',
      finished,
      full,
      scope = '',
      narrow,
    } = said
    const seq = said.seq ?? (this.#seq.get(node) ?? 0) + 1
    this.#seq.set(node, seq)
    const counts = { files: 1, bytes: 1 }
    const replica: ReplicaFacts = {
      folder,
      state: 'open',
      knowledge: { k: counter },
      digest: digest as Digest,
      scope,
      ...counts,
      peers,
      ...(narrow ? { narrow } : {}),
    }
    const links = (said.links ?? peers.map((peer) => ({ peer }))).map(
      (link) => ({ up: true, rttMs: 1, throughputBps: 1e6, sentBytes: 0, receivedBytes: 0, ...link }) as LinkFacts,
    )
    const who = { node, name: node, software: 's', run: 'r', seq, full: full ?? seq === 1 }
    const state = { ...who, mode: { configured: 'auto', effective } as const, links, replicas: [replica] }
    return this.send({ kind: 'state_received', state: finished ? { ...state, finished } : state })
  }

  /** a - b - c, all equal. */
  line(): void {
    this.says(a, { peers: [b] })
    this.says(b, { peers: [a, c] })
    this.says(c, { peers: [b] })
  }
}

const ordersIn = (effects: readonly CoordinatorEffect[]): SendOrder[] =>
  effects.filter((effect) => effect.kind === 'send_order')

describe('two replicas that differ', () => {
  it('get an order each, once', () => {
    const driver = new Driver()
    driver.line()
    const orders = ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b] }))
    expect(orders).toMatchObject([
      { to: a, peer: b, folder, id: '7-1' },
      { to: b, peer: a, folder, id: '7-1' },
    ])
    expect(ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b] }))).toEqual([])
    expect(ordersIn(driver.says(a, { digest: '2', counter: 2, peers: [b] }))).toEqual([])
  })

  it('pass it on: the next hop is ordered as soon as the first part is there', () => {
    const driver = new Driver()
    driver.line()
    driver.says(a, { digest: '9', counter: 9, peers: [b] })
    const orders = ordersIn(driver.says(b, { digest: '5', counter: 0, peers: [a, c] }))
    expect(orders.map(({ to, peer }) => [to, peer])).toEqual([
      [b, c],
      [c, b],
    ])
  })

  it('need no order when they do not meet on an edge of the plan', () => {
    const driver = new Driver()
    const ring = { [a]: [b, c], [b]: [a, c], [c]: [a, b] }
    for (const node of [a, b, c]) driver.says(node, { peers: ring[node] as NodeId[] })
    const pairs = ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b, c] })).map(
      ({ to, peer }) => `${to}${peer}`,
    )
    const edges = driver.state.folders.get(folder)?.plan?.edges ?? []
    expect(edges).toHaveLength(2)
    expect(pairs.length).toBe(2 * edges.filter((edge) => edge.a === a || edge.b === a).length)
  })

  it('are left alone when both sync directly, or when the link is down', () => {
    const driver = new Driver()
    driver.line()
    expect(ordersIn(driver.says(a, { peers: [b], effective: 'decentralised' }))).toEqual([])
    driver.says(b, { peers: [a, c], effective: 'decentralised' })
    expect(ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b], effective: 'decentralised' }))).toEqual([])
    expect(ordersIn(driver.says(c, { digest: '3', counter: 3, peers: [] }))).toEqual([])
  })

  it('get one when only one of them waits for orders, and only that one is told', () => {
    const driver = new Driver()
    driver.line()
    driver.says(b, { peers: [a, c], effective: 'decentralised' })
    expect(ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b] })).map(({ to }) => to)).toEqual([a])
  })

  it('count as equal with unequal digests when one ignores more', () => {
    const driver = new Driver()
    driver.line()
    expect(ordersIn(driver.says(a, { digest: '1', peers: [b], scope: 'no iso' }))).toEqual([])
    expect(ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b], scope: 'no iso' }))).toHaveLength(2)
  })
})

describe('an order', () => {
  const ordered = (): { driver: Driver; id: string } => {
    const driver = new Driver()
    driver.line()
    const [order] = ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b] }))
    return { driver, id: (order as SendOrder).id }
  }

  it('is over when both ends are equal, and then nothing follows', () => {
    const { driver, id } = ordered()
    const same = { digest: '1', counter: 1 }
    driver.says(a, { ...same, peers: [b], finished: [{ id, outcome: 'equal', reason: '' }] })
    const next = ordersIn(driver.says(b, { ...same, peers: [a, c], finished: [{ id, outcome: 'equal', reason: '' }] }))
    expect(next.every(({ to, peer }) => to === c || peer === c)).toBe(true)
    driver.now += 100_000
    expect(ordersIn(driver.send({ kind: 'ticked' })).some(({ to }) => to === a)).toBe(false)
  })

  it('is given anew at once when an end that was done has news', () => {
    const { driver, id } = ordered()
    driver.says(a, { digest: '1', counter: 1, peers: [b], finished: [{ id, outcome: 'equal', reason: '' }] })
    expect(ordersIn(driver.says(a, { digest: '2', counter: 2, peers: [b] }))).toHaveLength(2)
  })

  it('is given anew when the other end says nothing for a while', () => {
    const { driver, id } = ordered()
    driver.says(a, { digest: '1', counter: 1, peers: [b], finished: [{ id, outcome: 'equal', reason: '' }] })
    driver.now += bounds.graceMs
    expect(ordersIn(driver.send({ kind: 'ticked' }))).toHaveLength(2)
  })

  it('is renewed while something moves', () => {
    const { driver } = ordered()
    driver.says(b, { digest: '½', peers: [a, c] })
    driver.now += bounds.renewMs
    const renewed = ordersIn(driver.send({ kind: 'ticked' })).filter(({ to, peer }) => to !== c && peer !== c)
    expect(renewed).toHaveLength(2)
  })

  it('rests when nothing has moved for the whole of its time', () => {
    const { driver, id } = ordered()
    driver.now += bounds.renewMs
    expect(driver.send({ kind: 'ticked' })).toContainEqual({
      kind: 'order_failed',
      folder,
      id,
      reason: 'nothing moved',
    })
    driver.now += bounds.firstRestMs
    expect(ordersIn(driver.send({ kind: 'ticked' }))).toHaveLength(2)
  })

  it('is given anew at once when both ends are done and yet differ', () => {
    const { driver, id } = ordered()
    const finished = [{ id, outcome: 'equal', reason: '' }] as const
    driver.says(a, { digest: '2', counter: 2, peers: [b], finished })
    expect(
      ordersIn(driver.says(b, { digest: '1', counter: 1, peers: [a, c], finished })).some(({ to }) => to === a),
    ).toBe(true)
  })

  it('is given anew to a node that had left its orders', () => {
    const { driver, id } = ordered()
    const same = { digest: '1', counter: 1, peers: [b] }
    driver.says(a, { ...same, effective: 'decentralised', finished: [{ id, outcome: 'superseded', reason: '' }] })
    expect(ordersIn(driver.says(a, same)).map(({ to }) => to)).toEqual([a, b])
  })

  it('ends with the edge, when the plan goes another way', () => {
    const driver = new Driver()
    const priced = (peer: NodeId, pricePerGb: number, throughputBps: number) => ({
      peer,
      throughputBps,
      configured: { pricePerGb },
    })
    const settings = (objective: number) => ({ mode: 'centralised', objective, leafOnly: new Set<NodeId>() }) as const
    driver.send({ kind: 'settings_changed', settings: settings(1) })
    const links = {
      [a]: [priced(b, 0, 1e7), priced(c, 5, 1e7)],
      [b]: [priced(a, 0, 1e7), priced(c, 0, 1e4)],
      [c]: [priced(a, 5, 1e7), priced(b, 0, 1e4)],
    }
    for (const node of [a, b, c])
      driver.says(node, { peers: [a, b, c].filter((peer) => peer !== node), links: links[node] ?? [] })
    expect(
      ordersIn(driver.says(a, { digest: '1', counter: 1, peers: [b, c], links: links[a] ?? [] })).some(
        ({ to }) => to === c,
      ),
    ).toBe(true)
    driver.send({ kind: 'settings_changed', settings: settings(0) })
    driver.now += bounds.renewMs
    expect(ordersIn(driver.send({ kind: 'ticked' })).some(({ to, peer }) => to === c && peer === a)).toBe(false)
  })

  it('that brings nothing is tried again later and later, and at once when there is news', () => {
    const { driver, id } = ordered()
    const finished = [{ id, outcome: 'incomplete', reason: 'f: no space' }] as const
    const effects = driver.says(b, { peers: [a, c], finished })
    expect(effects).toContainEqual({ kind: 'order_failed', folder, id, reason: 'f: no space' })
    driver.now += bounds.firstRestMs - 1
    expect(ordersIn(driver.send({ kind: 'ticked' }))).toEqual([])
    driver.now += 1
    const [second] = ordersIn(driver.send({ kind: 'ticked' }))
    driver.send({ kind: 'order_answered', node: a, folder, peer: b, id: second?.id ?? '', refusal: 'not_connected' })
    driver.now += bounds.firstRestMs
    expect(ordersIn(driver.send({ kind: 'ticked' }))).toEqual([])
    expect(ordersIn(driver.says(a, { digest: '2', counter: 2, peers: [b] }))).toHaveLength(2)
  })

  it('of a node that has left is forgotten', () => {
    const { driver } = ordered()
    driver.send({ kind: 'node_removed', node: a })
    expect(driver.state.folders.get(folder)?.orders.size).toBe(0)
    driver.now += bounds.renewMs
    expect(ordersIn(driver.send({ kind: 'ticked' }))).toEqual([])
  })
})

describe('a state', () => {
  it('that builds on one which is not known is asked for in full', () => {
    const driver = new Driver()
    expect(driver.says(a, { full: false })).toContainEqual({ kind: 'answer_state', node: a, full: true })
    expect(driver.says(a, { full: true })).toContainEqual({ kind: 'answer_state', node: a, full: false })
    expect(driver.says(a, { full: false, seq: 9 })).toContainEqual({ kind: 'answer_state', node: a, full: true })
  })

  it('of a link that went down makes another plan at once', () => {
    const driver = new Driver()
    const ring = { [a]: [b, c], [b]: [a, c], [c]: [a, b] }
    for (const node of [a, b, c]) driver.says(node, { peers: ring[node] as NodeId[] })
    const [edge] = driver.state.folders.get(folder)?.plan?.edges ?? []
    const [one, other] = [edge?.a as NodeId, edge?.b as NodeId]
    const left = (ring[one] as NodeId[]).filter((peer) => peer !== other)
    const effects = driver.says(one, { peers: left, links: [{ peer: other, up: false }, { peer: left[0] as NodeId }] })
    expect(effects).toContainEqual({ kind: 'plan_changed', folder })
    expect(effects).toContainEqual({ kind: 'link_changed', ends: [one, other].sort(), up: false })
    const edges = driver.state.folders.get(folder)?.plan?.edges ?? []
    expect(edges).toHaveLength(2)
    expect(edges.some((each) => each.a === one && each.b === other)).toBe(false)
  })
})

describe('a node that ignores more than others', () => {
  const fast = (peer: NodeId) => ({ peer, throughputBps: 1e7 })
  const slow = (peer: NodeId) => ({ peer, throughputBps: 1e5 })
  const edgesOf = (driver: Driver) => driver.state.folders.get(folder)?.plan?.edges.map((edge) => `${edge.a}${edge.b}`)

  it('does not relay, when there is another way', () => {
    const driver = new Driver()
    driver.says(a, { peers: [b, c], links: [fast(b), slow(c)] })
    driver.says(b, { peers: [a, c], links: [fast(a), fast(c)], scope: 'no iso' })
    driver.says(c, { peers: [a, b], links: [slow(a), fast(b)] })
    expect(edgesOf(driver)).toContain('ac')
  })

  it('relays what it has, when there is none', () => {
    const driver = new Driver()
    driver.says(a, { peers: [b] })
    driver.says(b, { peers: [a, c], scope: 'no iso' })
    driver.says(c, { peers: [b] })
    expect(edgesOf(driver)).toEqual(['ab', 'bc'])
  })
})

describe('a link that lets only some files pass', () => {
  const edgesOf = (driver: Driver) => driver.state.folders.get(folder)?.plan?.edges.map((edge) => `${edge.a}${edge.b}`)
  const free = (peer: NodeId) => ({ peer, throughputBps: 1e7 })
  const dear = (peer: NodeId) => ({ peer, throughputBps: 1e5, configured: { pricePerGb: 5 } })

  it('is left out of the plan when there is another way, and is in it again when it lets all pass', () => {
    const driver = new Driver()
    driver.says(a, { peers: [b, c], links: [free(b), dear(c)] })
    driver.says(b, { peers: [a, c], links: [free(a), free(c)] })
    driver.says(c, { peers: [a, b], links: [dear(a), free(b)] })
    expect(edgesOf(driver)).toEqual(['ab', 'bc'])
    driver.says(c, { peers: [a, b], links: [dear(a), free(b)], narrow: [b] })
    expect(edgesOf(driver)).toEqual(['ab', 'ac'])
    driver.says(c, { peers: [a, b], links: [dear(a), free(b)] })
    expect(edgesOf(driver)).toEqual(['ab', 'bc'])
  })

  it('joins what nothing else does, and does not bring others of its kind along', () => {
    const driver = new Driver()
    const d = 'd' as NodeId
    driver.says(a, { peers: [b, c, d], links: [free(b), dear(c), free(d)], narrow: [d] })
    driver.says(b, { peers: [a, c], links: [free(a), free(c)] })
    driver.says(c, { peers: [a, b], links: [dear(a), free(b)], narrow: [b] })
    driver.says(d, { peers: [a], links: [free(a)] })
    expect(edgesOf(driver)).toEqual(['ab', 'ac', 'ad'])
  })

  it('gives way to the next of its kind when its cap is used up, or an end of it may pass nothing on', () => {
    const slow = (peer: NodeId) => ({ ...free(peer), rttMs: 50 })
    const capped = new Driver()
    const spent = (peer: NodeId) => ({ ...free(peer), configured: { capBytes: 0 } })
    capped.says(a, { peers: [b, c], links: [free(b), spent(c)], narrow: [c] })
    capped.says(b, { peers: [a, c], links: [free(a), slow(c)], narrow: [c] })
    capped.says(c, { peers: [a, b], links: [spent(a), slow(b)] })
    expect(edgesOf(capped)).toEqual(['ab', 'bc'])
    const driver = new Driver()
    const d = 'd' as NodeId
    driver.send({ kind: 'settings_changed', settings: { mode: 'centralised', objective: 0.5, leafOnly: new Set([d]) } })
    driver.says(a, { peers: [b, d], links: [free(b), slow(d)] })
    driver.says(b, { peers: [a, c], links: [free(a), slow(c)], narrow: [c] })
    driver.says(c, { peers: [b, d], links: [slow(b), free(d)], narrow: [d] })
    driver.says(d, { peers: [a, c], links: [slow(a), free(c)] })
    expect(edgesOf(driver)).toEqual(['ab', 'ad', 'bc'])
  })

  it('lets a node relay that ignores some files when nothing else joins the rest', () => {
    const driver = new Driver()
    driver.says(a, { peers: [b] })
    driver.says(b, { peers: [a, c], scope: 'no iso', narrow: [c] })
    driver.says(c, { peers: [b] })
    expect(edgesOf(driver)).toEqual(['ab', 'bc'])
  })

  it('somewhere else keeps nobody from that', () => {
    const driver = new Driver()
    const [d, e] = ['d', 'e'] as NodeId[] as [NodeId, NodeId]
    driver.says(a, { peers: [b, d] })
    driver.says(b, { peers: [a, c], scope: 'no iso' })
    driver.says(c, { peers: [b] })
    driver.says(d, { peers: [a, e], narrow: [e] })
    driver.says(e, { peers: [d] })
    expect(edgesOf(driver)).toEqual(['ab', 'ad', 'bc', 'de'])
  })

  it('is used when there is none', () => {
    const driver = new Driver()
    driver.says(a, { peers: [b], narrow: [b] })
    driver.says(b, { peers: [a, c] })
    driver.says(c, { peers: [b] })
    expect(edgesOf(driver)).toEqual(['ab', 'bc'])
  })
})

describe('settings', () => {
  it('that change the objective change the plan', () => {
    const driver = new Driver()
    const priced = (peer: NodeId, pricePerGb: number, throughputBps: number) => ({
      peer,
      throughputBps,
      configured: { pricePerGb },
    })
    driver.says(a, { peers: [b, c], links: [priced(b, 0, 1e7), priced(c, 5, 1e7)] })
    driver.says(b, { peers: [a, c], links: [priced(a, 0, 1e7), priced(c, 0, 1e4)] })
    driver.says(c, { peers: [a, b], links: [priced(a, 5, 1e7), priced(b, 0, 1e4)] })
    const edges = () => driver.state.folders.get(folder)?.plan?.edges.map((edge) => `${edge.a}${edge.b}`)
    driver.send({ kind: 'settings_changed', settings: { mode: 'centralised', objective: 0, leafOnly: new Set() } })
    expect(edges()).toEqual(['ab', 'bc'])
    const effects = driver.send({
      kind: 'settings_changed',
      settings: { mode: 'centralised', objective: 1, leafOnly: new Set() },
    })
    expect(effects[0]).toEqual({ kind: 'announce' })
    expect(edges()).toEqual(['ab', 'ac'])
  })
})

describe('a link whose data cap is used up', () => {
  const capped = (peer: NodeId, capBytes: number) => ({ peer, configured: { capBytes, metered: true } })
  const edgesOf = (driver: Driver) => driver.state.folders.get(folder)?.plan?.edges.map((edge) => `${edge.a}${edge.b}`)

  function triangle(): Driver {
    const driver = new Driver()
    const slow = (peer: NodeId) => ({ peer, throughputBps: 1e4 })
    driver.says(a, { peers: [b, c], links: [capped(b, 1000), { peer: c }] })
    driver.says(b, { peers: [a, c], links: [{ peer: a }, slow(c)] })
    driver.says(c, { peers: [a, b], links: [{ peer: a }, slow(b)] })
    return driver
  }

  it('is left alone by the plan, and used again in the next month', () => {
    const driver = triangle()
    expect(edgesOf(driver)).toEqual(['ab', 'ac'])
    driver.says(a, { peers: [b, c], links: [capped(b, 0), { peer: c }] })
    expect(edgesOf(driver)).toEqual(['ac', 'bc'])
    driver.says(a, { peers: [b, c], links: [capped(b, 1000), { peer: c }] })
    expect(edgesOf(driver)).toEqual(['ab', 'ac'])
  })

  it('is no reason to plan anew while something is left', () => {
    const driver = triangle()
    const effects = driver.says(a, { peers: [b, c], links: [capped(b, 10), { peer: c }] })
    expect(effects.map(({ kind }) => kind)).toEqual(['answer_state'])
    expect(driver.state.folders.get(folder)?.staleSince).toBeUndefined()
  })
})
