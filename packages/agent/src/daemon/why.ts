import { join } from 'node:path'
import { readConfig } from '@spansync/common/config/file'
import { linkFilters, policyLayers } from '@spansync/common/config/policy-layers'
import { lacksOnlyHeldBack } from '@spansync/common/core/agent/lack'
import { gives, type PeerState, takes, type Wanted } from '@spansync/common/core/agent/state'
import type { NodeId, RelativePath, Row } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import { compileFilter, type FilteredEntry, type Unwanted } from '@spansync/common/core/policy/filter'
import { type Failure, type HeldBack, type WhyFacts, why } from '@spansync/common/core/policy/why'
import type { Problem } from '@spansync/common/protocol/status'
import type { WhyRequest, WhyResult } from '../control/api.ts'
import type { Follower } from '../coordination/follower.ts'
import { kindOf, lstat } from '../disk/stat.ts'
import type { FolderEngine } from '../folder/folder-engine.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import { behindOf, lackedBy } from './amounts.ts'
import { hostOf } from './hosts.ts'
import type { Network } from './network.ts'

/** One screen is enough: who wants all of them asks for `status --json`. */
const shownFailures = 5

interface Asked {
  readonly network: Network
  readonly follower: Follower
  readonly host: FolderHost
  readonly path: RelativePath | undefined
  readonly lineOf: ReturnType<typeof readConfig>['lineOf']
}

/** Why a folder, or one path in it, syncs with each of its peers or not, and when it will. Throws when there is no such folder. */
export function whyOf(network: Network, follower: Follower, { folder, path, peer }: WhyRequest): WhyResult {
  const host = hostOf(network, folder)
  const { lineOf } = readConfig(network.options.home)
  const asked = { network, follower, host, path, lineOf }
  const peers = Object.entries(network.config.peers)
    .filter(([name, { id }]) =>
      peer === undefined ? network.foldersFor(id).includes(host.options.folder) : name === peer,
    )
    .map(([name, { id }]) => ({ peer: name, ...why(factsOf(asked, name, id)) }))
  return { folder, ...(path === undefined ? {} : { path }), peers }
}

function factsOf(asked: Asked, peer: string, id: NodeId): WhyFacts {
  const { network, host, path, lineOf } = asked
  const { folder } = host.options
  const state = host.engine?.state.peers.get(id)
  const link = host.links.get(id)
  return {
    now: network.options.calendar.wallNow(),
    peer,
    problem: host.stopped,
    isScanning: host.isScanning,
    unwanted: path === undefined ? undefined : unwantedBecause(asked, path),
    link: link ? 'up' : network.links.has(id) || !network.foldersFor(id).includes(folder) ? 'not_shared' : 'down',
    policy: network.policy.evaluate(folder, link ?? { peer: id }, lineOf),
    goesFirst: goesFirst(asked, id),
    peerAllows: allowedBy(state),
    plan: planFor(asked, id),
    lacking: lackingOf(asked, id),
    heldBack: heldBackOf(asked, peer, state),
    isInSession: state?.fetch !== undefined,
    failures: failuresOf(asked, state),
  }
}

function unwantedBecause({ network, host, lineOf }: Asked, path: RelativePath): Unwanted | undefined {
  const { folder } = host.options
  const { filters } = policyLayers(network.config, { folder }, lineOf)
  const entry = whatIsAt(host, path)
  // Of what is not known it can only be said whether its name is right.
  const known = entry ? filters : filters.map(({ minSize: _smallest, maxSize: _largest, ...layer }) => layer)
  const unwanted = compileFilter(known).unwanted({ path, ...(entry ?? { kind: 'file', size: 0 }) })
  if (unwanted) return unwanted
  if (!host.matcher.matches(path)) return undefined
  const key = `folders.${folder}.ignoreDefaults`
  return { rule: 'exclude', where: { level: 'default', key, line: lineOf(['folders', folder, 'ignoreDefaults']) } }
}

function goesFirst({ network, host, lineOf }: Asked, peer: NodeId): WhyFacts['goesFirst'] {
  const first = network.doors.firstBefore(host.options.folder, peer)
  if (first === undefined) return undefined
  return { folder: first, where: network.policy.priorityPlace([first, host.options.folder], peer, lineOf) }
}

/** Here, or at a peer that has told of it. */
function whatIsAt(
  { options, engine }: FolderHost,
  path: RelativePath,
): Pick<FilteredEntry, 'kind' | 'size'> | undefined {
  const stats = lstat(join(options.config.path, path))
  const kind = stats && kindOf(stats)
  if (stats && kind) return { kind, size: stats.size }
  const row = engine?.index.get(path)
  if (row && !row.deleted) return row
  const size = engine?.leftOut.sizeOf(path)
  return size === undefined ? undefined : { kind: 'file', size }
}

/** By the peer's own word, as seen from here: it takes what is sent. */
function allowedBy(state: PeerState | undefined): WhyFacts['peerAllows'] {
  const door = state?.announced?.door ?? 'open'
  return { send: takes(door), receive: gives(door) }
}

function planFor({ follower, host }: Asked, id: NodeId): WhyFacts['plan'] {
  const state = host.engine?.state.peers.get(id)
  if (follower.mode.effective === 'decentralised' || state?.announced?.follows === 'peers') return 'direct'
  if (state?.ordered) return 'order'
  return host.neighbours.size === 0 || host.neighbours.has(id) ? 'waits' : 'elsewhere'
}

/** What waits here, or at the peer by its own word, for policy to let it pass. */
function heldBackOf(asked: Asked, peer: string, state: PeerState | undefined): HeldBack | undefined {
  if (!state) return undefined
  const { host, path, network, lineOf } = asked
  const filter = compileFilter(linkFilters(network.config, { folder: host.options.folder, peer }, lineOf))
  const there = state.announced?.lacks?.heldBack.files ?? 0
  if (path === undefined) {
    const files = state.wanted.held.size + there
    if (files === 0) return undefined
    for (const { entry } of state.wanted.held.values()) {
      const unwanted = filter.unwanted(entry)
      if (unwanted) return { files, by: 'here', unwanted }
    }
    if (state.wanted.held.size > 0 || state.holdsBack === undefined) return { files, by: 'peer' }
    return { files, by: state.announced?.holdsBack ? 'either' : 'here' }
  }
  const wish = state.wanted.get(path)
  const entry = wish?.isHeldBack ? wish.entry : host.engine?.index.get(path)
  const unwanted = entry && !entry.deleted ? filter.unwanted(entry) : undefined
  if (unwanted) return { files: 1, by: 'here', unwanted }
  if (wish?.isHeldBack) return { files: 1, by: 'peer' }
  // Which ones it lacks only the peer can say.
  return there > 0 && state.announced?.holdsBack ? { files: there, by: 'peer', isUnsure: true } : undefined
}

function lackingOf({ host, path }: Asked, id: NodeId): WhyFacts['lacking'] {
  const { engine, said, options } = host
  if (!engine) return { here: 0, there: 0 }
  const state = engine.state.peers.get(id)
  const heard = state?.announced ?? said.get(id, options.formerIds(id))
  if (path === undefined) {
    const here = Math.max(state?.wanted.size ?? 0, isKeptFromUs(engine, state) ? 1 : 0)
    const there = state?.announced ? lackedBy(engine.index, id, state) : behindOf(engine.index, id, heard)
    return { here, there: there.files }
  }
  const row = engine.index.get(path)
  const isUnheard = row !== undefined && !covers(heard?.knowledge ?? {}, row.vector) && !isThere(engine, id, row)
  return { here: state?.wanted.has(path) ? 1 : 0, there: isUnheard ? 1 : 0 }
}

/** What is held back from the peer keeps it from saying that it knows the rest; but it says how much it lacks. Which of it its own rules
 *  hold back only the peer can say. */
function isThere({ state: { peers } }: FolderEngine, id: NodeId, row: Row): boolean {
  const peer = peers.get(id)
  return peer !== undefined && lacksOnlyHeldBack(peer) && !peer.announced?.holdsBack && !peer.holdsBack?.(row)
}

/** The peer has more than we, and its door lets nothing of it be told. */
function isKeptFromUs({ index, state: { scope } }: FolderEngine, state: PeerState | undefined): boolean {
  const { announced } = state ?? {}
  if (!announced || gives(announced.door) || announced.scope !== scope) return false
  return !covers(index.meta().knowledge, announced.knowledge)
}

function failuresOf({ network, host, path }: Asked, state: PeerState | undefined): Failure[] {
  const { clock } = network.options
  const wishes = [...(state?.wanted.values() ?? [])].filter(({ entry }) => path === undefined || entry.path === path)
  const isAbout = (problem: Problem): boolean =>
    path === undefined || problem.path === path || problem.path === undefined
  return [
    ...host.waiting.filter(isAbout).map((problem) => ofProblem('deletion', problem)),
    ...(host.engine?.problems.list(shownFailures) ?? []).filter(isAbout).map((problem) => ofProblem('failed', problem)),
    ...wishes.flatMap((wish) => ofWish(wish, clock.wallNow() - clock.now())),
  ].slice(0, shownFailures)
}

function ofProblem(kind: Failure['kind'], { message, remedy, path }: Problem): Failure {
  return { kind, message: path === undefined || message.includes(path) ? message : `${path}: ${message}`, remedy }
}

function ofWish(wish: Wanted, wallAheadMs: number): Failure[] {
  const { entry, need, twin, attempts, notBefore, reason, isHeldBack } = wish
  // Whatever came of it before, now it waits for policy.
  if (isHeldBack) return []
  if (twin !== undefined) {
    const message = `${entry.path} cannot be here beside ${twin}: the disk does not tell the two names apart`
    return [{ kind: 'name', message, remedy: 'rename one of the two on a machine that holds both' }]
  }
  if (need === 'wait') {
    const message = `${entry.path}: changed on both sides; the other machine keeps its version as a copy first`
    return [{ kind: 'conflict', message, remedy: 'wait: it settles by itself' }]
  }
  if (attempts === 0) return []
  const retryAtMs = notBefore + wallAheadMs
  return [{ kind: 'failed', message: `${entry.path}: ${reason}`, remedy: 'it is tried again by itself', retryAtMs }]
}
