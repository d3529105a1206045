import type { Effect, FolderEvent } from '../core/agent/events.ts'
import type { FolderState, Wanted } from '../core/agent/state.ts'
import { step } from '../core/agent/step.ts'
import type { WishMap } from '../core/agent/wish-map.ts'
import { need } from '../core/causal/need.ts'
import type { Dot, Entry, NodeId, RelativePath, Row, StatSignature, VersionVector } from '../core/causal/types.ts'
import { meet, merge, withCounter } from '../core/causal/version-vector.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import type { Parts, Step } from '../sim/types.ts'

type Broken = Pick<Parts, 'step' | 'makeDisk'>
type EventOf<K extends FolderEvent['kind']> = Extract<FolderEvent, { kind: K }>

/** Agents with one rule broken each, made around the real `step`: what the checks of the simulation must notice. */
export const mutants = {
  'knowledge rises although a path failed': { step: withState(tooEarly) },
  'a page that is not the last counts as the last': {
    step: withEffect((effect) =>
      effect.kind === 'send_entries' || effect.kind === 'send_summary' ? { ...effect, complete: true } : effect,
    ),
  },
  'no conflict copy is kept': { step: withoutCopies },
  'a copy that failed counts as kept': {
    step: withEvent('applied', (event) => ({ ...event, items: event.items.map((item) => ({ ...item, kept: true })) })),
  },
  'a tombstone counts as never seen': { step: withRows((row) => (row?.deleted ? undefined : row)) },
  'a deletion beats an edit': { step: withEvent('entries_received', preferDeletions) },
  'who settles a conflict takes no new dot': { step: withoutNewDot },
  'whose content was replaced knowingly does not count': { step: withoutDots },
  'what only lost a conflict counts as replaced': { step: withoutBeaten },
  'an echo counts as an edit': { step: withEchoes },
  'what a session brings meanwhile counts as an edit': { step: withState(undefined, withoutClaims('observed')) },
  'two peers are asked for one path': { step: withState(undefined, withoutClaims('entries_received')) },
  'what did not arrive is adopted': { step: withEvent('fetch_finished', pretendArrival) },
  'counters repeat': { step: repeatCounters },
  'a tombstone goes when this replica alone has it': { step: alone(() => false) },
  'a member that is away does not count': { step: alone((state, node) => state.peers.has(node)) },
  'what was dropped counts as new': { step: withoutCollected('entries_received') },
  'what a peer has dropped is not heard': {
    step: withEvent('summary_received', (event) => ({ ...event, collected: undefined })),
  },
  'knowledge rises before the list has been seen': { step: withState(beforeListed) },
  'who was led waits for orders for ever': {
    step: withEvent('follow_set', (event) => ({ ...event, follows: 'orders' })),
  },
  'a peer that syncs directly again is not heard': {
    step: withEvent('summary_received', (event) => ({ ...event, follows: 'orders' })),
  },
  'policy holds nothing back': {
    step: withState(
      undefined,
      mapHeldBack((wish) => ({ ...wish, isHeldBack: false })),
    ),
  },
  'what the peer holds back is not heard': {
    step: withEvent('entries_received', (event) => ({
      ...event,
      items: event.items.map((item) => ({ ...item, isHeldBack: false })),
    })),
  },
  'what is held back counts as known': { step: withState(mapHeldBack(() => undefined)) },
  'what may pass again is not told again': {
    step: (state, event) => step(state, event.kind === 'holds_back_set' ? { kind: 'ticked', at: event.at } : event),
  },
  'rmdir takes what is inside along': { makeDisk: () => new CarelessDisk() },
} satisfies Record<string, Broken>

function withEvent<K extends FolderEvent['kind']>(kind: K, change: (event: EventOf<K>) => FolderEvent): Step {
  return (state, event) => step(state, event.kind === kind ? change(event as EventOf<K>) : event)
}

function withEffect(change: (effect: Effect) => Effect): Step {
  return (state, event) => {
    const after = step(state, event)
    return { ...after, effects: after.effects.map(change) }
  }
}

type Change = (state: FolderState, event: FolderEvent) => FolderState

/** Changes the state after the step, before it, or both; a knowledge that rose is committed. */
function withState(after?: Change, before?: Change): Step {
  return (state, event) => {
    const made = step(before?.(state, event) ?? state, event)
    const changed = after?.(made.state, event) ?? made.state
    if (changed.knowledge === made.state.knowledge) return { ...made, state: changed }
    return { state: changed, effects: [...made.effects, { kind: 'commit', rows: [], knowledge: changed.knowledge }] }
  }
}

function tooEarly(state: FolderState): FolderState {
  const complete = [...state.peers.values()].filter(({ incoming }) => incoming.complete)
  return {
    ...state,
    knowledge: complete.reduce((all, { incoming }) => merge(all, incoming.knowledge), state.knowledge),
  }
}

function withoutCopies(state: FolderState, event: FolderEvent): ReturnType<Step> {
  const told =
    event.kind === 'applied' ? { ...event, items: event.items.map((item) => ({ ...item, kept: true })) } : event
  const after = step(state, told)
  const effects = after.effects.map((effect) => {
    if (effect.kind !== 'apply') return effect
    return {
      ...effect,
      items: effect.items.map((item) => ({ ...item, operations: item.operations.filter((one) => one !== 'keep') })),
    }
  })
  return { ...after, effects }
}

function withRows(change: (row: Row | undefined) => Row | undefined): Step {
  return (state, event) => {
    if (!('items' in event)) return step(state, event)
    const items = event.items.map((item) => ({ ...item, local: change(item.local) }))
    return step(state, { ...event, items } as FolderEvent)
  }
}

function preferDeletions(event: EventOf<'entries_received'>): FolderEvent {
  const items = event.items.flatMap((item) => {
    const { local, remote } = item
    const kind = need(local, remote).kind
    if (local === undefined || local.deleted === remote.deleted || (kind !== 'resolve' && kind !== 'wait'))
      return [item]
    return remote.deleted ? [{ ...item, remote: { ...remote, vector: merge(local.vector, remote.vector) } }] : []
  })
  return { ...event, items }
}

function withoutNewDot(state: FolderState, event: FolderEvent): ReturnType<Step> {
  const after = step(state, event)
  const { replica } = after.state
  const isNew = ({ vector, dots }: Entry): boolean =>
    (vector[replica] ?? 0) > (state.knowledge[replica] ?? 0) &&
    !dots.some(([by, at]) => by === replica && at === vector[replica])
  const lower = <T extends Entry>(row: T): T => {
    const wishes = [...state.peers.values()].flatMap(({ wanted }) => wanted.get(row.path) ?? [])
    const seen = wishes.flatMap(({ local, entry }) => [local?.vector[replica] ?? 0, entry.vector[replica] ?? 0])
    return isNew(row) ? { ...row, vector: withCounter(row.vector, replica, Math.max(0, ...seen)) } : row
  }
  const effects = after.effects.map((effect) => {
    return effect.kind === 'commit' ? { ...effect, rows: effect.rows.map(lower) } : effect
  })
  const peers = new Map(
    [...after.state.peers].map(([id, peer]) => [id, { ...peer, wanted: mapLocal(peer.wanted, lower) }]),
  )
  return { state: { ...after.state, peers }, effects }
}

function mapHeldBack(change: (wish: Wanted) => Wanted | undefined): Change {
  return (state) => {
    const peers = [...state.peers].map(([id, peer]) => {
      const wanted = peer.wanted.copy()
      for (const [path, wish] of peer.wanted) {
        const changed = wish.isHeldBack ? change(wish) : wish
        if (changed) wanted.set(path, changed)
        else wanted.delete(path)
      }
      return [id, { ...peer, wanted }] as const
    })
    return { ...state, peers: new Map(peers) }
  }
}

function mapLocal(wanted: WishMap, change: (row: Row) => Row): WishMap {
  const copy = wanted.copy()
  for (const [path, wish] of wanted) if (wish.local) copy.set(path, { ...wish, local: change(wish.local) })
  return copy
}

const nobody = [['nobody.0', Number.MAX_SAFE_INTEGER]] as unknown as readonly Dot[]

function withoutDots(state: FolderState, event: FolderEvent): ReturnType<Step> {
  if (!('items' in event)) return step(state, event)
  const blind = <T extends Entry | undefined>(entry: T): T => entry && { ...entry, dots: nobody }
  const items = event.items.map((item) => {
    const local = blind(item.local)
    return 'remote' in item ? { ...item, local, remote: blind(item.remote) } : { ...item, local }
  })
  return step(state, { ...event, items } as FolderEvent)
}

function withoutBeaten(state: FolderState, event: FolderEvent): ReturnType<Step> {
  const after = step(state, event)
  const effects = after.effects.map((effect) =>
    effect.kind === 'commit' ? { ...effect, rows: effect.rows.map(({ beaten: _, ...row }) => row) } : effect,
  )
  return { ...after, effects }
}

/** Neither what is wished for nor what is under way is known when the disk is looked at. */
function withEchoes(state: FolderState, event: FolderEvent): ReturnType<Step> {
  if (event.kind !== 'observed') return step(state, event)
  const peers = new Map(state.peers)
  for (const [id, peer] of peers) {
    const wanted = peer.wanted.copy()
    for (const { path } of event.items) {
      const wish = wanted.get(path)
      if (wish) wanted.set(path, { ...wish, need: 'later' })
    }
    peers.set(id, { ...peer, wanted })
  }
  return step(withoutClaims('observed')({ ...state, peers }, event), event)
}

function withoutClaims(kind: FolderEvent['kind']): Change {
  return (state, event) => {
    if (event.kind !== kind || !('items' in event)) return state
    const claims = state.claims.copy()
    for (const item of event.items) claims.delete('remote' in item ? item.remote.path : item.path)
    return { ...state, claims }
  }
}

function pretendArrival(event: EventOf<'fetch_finished'>): FolderEvent {
  const stat: StatSignature = { mtimeUs: 0, ctimeUs: 0, size: 0, inode: 0, mode: 0 }
  return { ...event, items: event.items.map((item) => ({ ...item, disk: { ...item.entry, stat } })) }
}

function repeatCounters(state: FolderState, event: FolderEvent): ReturnType<Step> {
  const after = step(state, event)
  const { replica } = after.state
  const forget = (knowledge: VersionVector): VersionVector =>
    withCounter(knowledge, replica, Math.min(3, knowledge[replica] ?? 0))
  const effects = after.effects.map((effect) =>
    effect.kind === 'commit' ? { ...effect, knowledge: forget(effect.knowledge) } : effect,
  )
  return { state: { ...after.state, knowledge: forget(after.state.knowledge) }, effects }
}

/** Of all other members only some count when tombstones are dropped. */
function alone(counts: (state: FolderState, node: NodeId) => boolean): Step {
  return (state, event) => {
    if (event.kind !== 'tombstones_read') return step(state, event)
    const members = [...state.members].map(([node, member]) => {
      return [node, { ...member, neighbours: member.neighbours.filter((other) => counts(state, other)) }] as const
    })
    const sharers = new Set([...state.sharers].filter((node) => counts(state, node)))
    const after = step({ ...state, members: new Map(members), sharers }, event)
    return { ...after, state: { ...after.state, members: state.members, sharers: state.sharers } }
  }
}

function withoutCollected(kind: FolderEvent['kind']): Step {
  return (state, event) => {
    if (event.kind !== kind) return step(state, event)
    const after = step({ ...state, collected: {} }, event)
    return { ...after, state: { ...after.state, collected: merge(state.collected, after.state.collected) } }
  }
}

/** What the peer may know to be dead here, and has not been shown, makes no difference. */
function beforeListed(state: FolderState): FolderState {
  let { knowledge, collected } = state
  for (const { announced, incoming, wanted } of state.peers.values()) {
    if (!incoming.complete || wanted.size > 0) continue
    collected = merge(collected, meet(announced?.collected ?? {}, incoming.knowledge))
    knowledge = merge(knowledge, incoming.knowledge)
  }
  return { ...state, knowledge, collected }
}

class CarelessDisk extends SimDisk {
  override removeEmpty(path: RelativePath): boolean {
    this.remove(path)
    return true
  }
}
