import type { DiskState, Entry, RelativePath, VersionVector } from '../core/causal/types.ts'
import { compare, covers, coversDot } from '../core/causal/version-vector.ts'
import type { SimAgent } from './sim-agent.ts'
import type { SimWorld } from './world.ts'

/** What the users did, to compare with what is left in the end. */
export interface Audit {
  freshContent(): string
  written(path: RelativePath, hash: string): void
  /** A user who saw this content at this path overwrote, deleted or moved it. `arriving`: a session was still at work there, and
   *  somebody who deletes a file in the very moment of its arrival may see it come once more. */
  replaced(path: RelativePath, hash: string, arriving: boolean): void
  readonly contents: Map<string, { written: number; replaced: number }>
  readonly replacedAt: Set<string>
  readonly rewrittenAt: Map<string, number>
}

const uniquePrefix = 'c'

export function createAudit(): Audit {
  let next = 0
  const contents: Audit['contents'] = new Map()
  const replacedAt: Audit['replacedAt'] = new Set()
  const rewrittenAt: Audit['rewrittenAt'] = new Map()
  const of = (hash: string): { written: number; replaced: number } => {
    const known = contents.get(hash) ?? { written: 0, replaced: 0 }
    contents.set(hash, known)
    return known
  }
  return {
    contents,
    replacedAt,
    rewrittenAt,
    freshContent: () => `${uniquePrefix}${next++}`,
    written(path, hash) {
      of(hash).written++
      rewrittenAt.set(`${path}:${hash}`, (rewrittenAt.get(`${path}:${hash}`) ?? 0) + 1)
    },
    replaced(path, hash, arriving) {
      of(hash).replaced++
      if (!arriving) replacedAt.add(`${path}:${hash}`)
    },
  }
}

/** All that must hold once everything is quiet. */
export function verify(world: SimWorld, audit: Audit): string[] {
  const first = world.agents[0] as SimAgent
  return [
    ...world.agents.slice(1).flatMap((agent) => [...differences(first, agent), ...differentHistories(first, agent)]),
    ...verifyEach(world, audit),
    ...risen(world, first, audit),
    ...leftTombstones(world),
  ]
}

/** What must hold of each by itself, equal or not. */
export function verifyEach(world: SimWorld, audit: Audit): string[] {
  return [
    ...world.agents.flatMap((agent) => indexAgainstDisk(agent)),
    ...world.agents.flatMap((agent) => knowledgeHolds(world, agent)),
    ...lost(world, audit),
    ...world.record.droppedTooEarly,
    ...world.record.askedInVain,
  ]
}

function differences(left: SimAgent, right: SimAgent): string[] {
  const found: string[] = []
  const pair = `${left.name}/${right.name}`
  for (const path of new Set([...left.disk.paths(), ...right.disk.paths()])) {
    const [a, b] = [left.disk.state(path), right.disk.state(path)]
    const isLeftOut = [a, b].some((state) => state && !(left.isWanted(state) && right.isWanted(state)))
    if (isLeftOut) continue
    if (a?.hash !== b?.hash || a?.kind !== b?.kind || a?.mode !== b?.mode) {
      found.push(`${pair}: ${path} is ${a?.kind}:${a?.hash}:${a?.mode} and ${b?.kind}:${b?.hash}:${b?.mode}`)
    }
  }
  const [a, b] = [left.index.meta(), right.index.meta()]
  if (compare(a.knowledge, b.knowledge) !== 'equal') found.push(`${pair}: knowledge differs`)
  if (a.digest !== b.digest && left.isPicky === right.isPicky) found.push(`${pair}: digests differ`)
  return found
}

/** Nothing would ever show that, for neither digest nor hash tree looks at it. */
function differentHistories(left: SimAgent, right: SimAgent): string[] {
  const beaten = ({ beaten: dots = [] }: Entry): string => dots.map((dot) => dot.join(':')).join()
  return left.index.below('', Number.MAX_SAFE_INTEGER).flatMap((row) => {
    const other = right.index.get(row.path)
    const isOther = other && compare(row.vector, other.vector) === 'equal' && beaten(row) !== beaten(other)
    return isOther ? [`${left.name}/${right.name}: ${row.path} has beaten ${beaten(row)} and ${beaten(other)}`] : []
  })
}

function indexAgainstDisk(agent: SimAgent): string[] {
  const rows = agent.index.below('', Number.MAX_SAFE_INTEGER)
  const wrong = rows.filter((row) => {
    const disk = agent.disk.state(row.path)
    if (disk && !agent.isWanted(disk)) return false
    return disk?.hash !== row.hash || disk.kind !== row.kind || disk.mode !== row.mode
  })
  const isShared = (path: RelativePath): boolean => agent.isWanted(agent.disk.state(path) as DiskState)
  const unknown = agent.disk.paths().filter((path) => isShared(path) && !rows.some((row) => row.path === path))
  return [
    ...wrong.map((row) => `${agent.name}: the index is wrong about ${row.path}`),
    ...unknown.map((path) => `${agent.name}: the index does not know ${path}`),
  ]
}

/** A write whose index was lost before all of it had been told stays outside of everybody's knowledge for ever. */
function leftTombstones({ agents, wordEveryMs, record }: SimWorld): string[] {
  if (record.historyLost || wordEveryMs === Number.POSITIVE_INFINITY) return []
  return agents
    .map(({ name, index }) => ({ name, left: index.totals().tombstones }))
    .filter(({ left }) => left > 0)
    .map(({ name, left }) => `${name} still has ${left} tombstones that everybody has`)
}

/** For every change that a replica's knowledge covers, its entry of that path is at or above it, or was deleted and forgotten. One that
 *  leaves files out knows of them, and vouches for its own writes only. */
export function knowledgeHolds(world: SimWorld, agent: SimAgent): string[] {
  if (agent.isPicky && world.isMixed) return []
  const { knowledge } = agent.index.meta()
  return world.record.writes
    .filter(({ dot, path }) => coversDot(knowledge, dot) && !coversDot(agent.index.get(path)?.vector ?? {}, dot))
    .filter(({ dot, path }) => {
      const row = agent.index.get(path)
      const isForgotten = (dropped: VersionVector): boolean =>
        coversDot(dropped, dot) && !(row && covers(dropped, row.vector))
      return !world.record.droppedAt.get(path)?.some(isForgotten)
    })
    .map(({ dot, path }) => `${agent.name}: knows ${dot.join(':')} but its ${path} is older`)
}

/** Every content is on the disk, or somebody who saw it replaced it as often as it was written, or a session's backup holds it. */
function lost(world: SimWorld, audit: Audit): string[] {
  const alive = new Set(world.agents.flatMap((agent) => [...agent.disk.files.values()].map(({ hash }) => hash)))
  return [...audit.contents]
    .filter(([hash, { replaced }]) => !alive.has(hash) && replaced === 0 && !world.record.backedUp.has(hash))
    .map(([hash]) => `the content ${hash} is lost`)
}

/** A content that a user who saw it replaced at a path must not be at that path again, unless somebody wrote it there anew. Left
 *  out: conflict copies; and what a session brought without being asked, which counts as an edit here when its news does not
 *  follow: kept rather than lost; and four versions of which two have been replaced, each by one that the other has beaten, where the
 *  rules have no right answer: the two that nobody replaced are kept as copies. Without an index nothing can be said. */
function risen({ record }: SimWorld, agent: SimAgent, audit: Audit): string[] {
  if (record.historyLost) return []
  return [...agent.disk.files]
    .map(([path, { hash }]) => ({ path, hash, both: `${path}:${hash}` }))
    .filter(({ hash, both }) => hash.startsWith(uniquePrefix) && audit.replacedAt.has(both))
    .filter(({ both }) => audit.rewrittenAt.get(both) === 1)
    .filter(({ both }) => !record.unasked.has(both) && !record.copies.has(both))
    .filter(({ both }) => !record.unsettled.has(both))
    .map(({ path, hash }) => `${hash} rose from the dead at ${path}`)
}
