import type { Effect, FetchedItem, FetchItem } from '../core/agent/events.ts'
import { matches } from '../core/causal/content.ts'
import type { DiskState, NodeId, RelativePath } from '../core/causal/types.ts'
import { withParents } from './paths.ts'
import type { SimAgent } from './sim-agent.ts'
import type { SimApplier } from './sim-applier.ts'
import type { SimJournal } from './sim-journal.ts'
import type { SimWorld } from './world.ts'

export interface SessionContext {
  readonly agent: SimAgent
  readonly world: SimWorld
  readonly applier: SimApplier
  readonly journal: SimJournal
  /** In the agent's present life only. */
  readonly later: (delayMs: number, run: () => void) => void
}

/** A Unison session: its paths arrive one by one, and in the end the agent looks at what came. */
export function runSession(
  { agent, world, applier, journal, later }: SessionContext,
  { peer, id, items }: Extract<Effect, { kind: 'fetch' }>,
): void {
  journal.begin(id, peer, items)
  const extras = new Set<RelativePath>()
  const ran = new Set(items.filter((item) => applier.prepare(item)))
  for (const item of ran) {
    later(world.delay(), () => {
      if (agent.isStopped(id)) return
      for (const path of bring(world, { to: agent, peer, item })) extras.add(path)
    })
  }
  later(world.delay() + world.longest, () => {
    for (const item of ran) applier.restore(item)
    const seen = items.map((item) => ({
      ...agent.seen(item.entry.path),
      entry: item.entry,
      ran: ran.has(item),
      heldOpenBy: item.clear && !ran.has(item) ? heldOpenBy(agent, item.entry.path) : undefined,
      isTransferred: agent.disk.isPlaced(item.entry.path),
    }))
    const outcome = seen.some(({ entry, disk }) => !matches(entry, disk)) ? 'failed' : 'done'
    for (const { path } of seen) extras.delete(path)
    const unasked = [...extras]
      .filter((path) => !agent.index.get(path))
      .map((path) => ({ ...agent.seen(path), isTransferred: agent.disk.isPlaced(path) }))
    journal.end(id)
    agent.handle({ kind: 'fetch_finished', peer, id, outcome, reason: '', items: seen, extras: unasked })
  })
}

function heldOpenBy({ disk, index }: SimAgent, path: RelativePath): FetchedItem['heldOpenBy'] {
  return disk.below(path).length === 0 ? undefined : (index.below(path, 1)[0] ?? 'unknown')
}

interface Transfer {
  readonly to: SimAgent
  readonly peer: NodeId
  readonly item: FetchItem
}

/** Gives what came without a watcher hearing of it. */
function bring(world: SimWorld, arrival: Transfer): RelativePath[] {
  const { entry, local } = arrival.item
  const isNew = entry.kind === 'dir' && (local === undefined || local.deleted)
  if (isNew && world.faults.whole > 0 && world.random.chance(world.faults.whole)) return transferWhole(world, arrival)
  transfer(world, arrival)
  return []
}

/** What Unison does for one path: the content that the sender's disk has NOW replaces the receiver's. */
function transfer(world: SimWorld, { to, peer, item }: Transfer): void {
  const { entry, local, transit } = item
  const { path } = entry
  const source = world.reach(to, peer)?.disk.state(path)
  const before = to.disk.state(path)
  if (!source || before?.kind === 'dir' || (source.kind === 'dir') !== (entry.kind === 'dir')) return
  // A session that comes too late has moved the bytes all the same.
  world.record.moved({ to, from: peer, hash: source.hash })
  const isOld = before === undefined || before.hash === local?.hash || before.stat.inode === transit?.inode
  if (!isOld || !to.disk.makeParents(path, to.nowUs())) return
  if (source.hash !== entry.hash) world.record.unasked.add(`${path}:${source.hash}`)
  if (before && before.hash !== local?.hash) world.record.backedUp.add(before.hash)
  place(to, path, source)
  to.hint(withParents(path), world.delay())
}

/** A directory that is new here comes with all that is in it. */
function transferWhole(world: SimWorld, { to, peer, item }: Transfer): RelativePath[] {
  const { path } = item.entry
  const from = world.reach(to, peer)
  if (from?.disk.state(path)?.kind !== 'dir' || to.disk.state(path) || !to.disk.makeParents(path, to.nowUs())) return []
  const all = [path, ...from.disk.below(path).sort()]
  for (const one of all) {
    const source = from.disk.state(one) as DiskState
    world.record.moved({ to, from: peer, hash: source.hash })
    world.record.unasked.add(`${one}:${source.hash}`)
    place(to, one, source)
  }
  return all
}

function place(to: SimAgent, path: RelativePath, { kind, hash, mode, mtimeUs }: DiskState): void {
  to.disk.place({ path, kind, hash, mode, mtimeUs, ctimeUs: Math.max(to.nowUs(), mtimeUs) + 1 })
}
