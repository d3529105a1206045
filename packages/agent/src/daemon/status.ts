import type { FolderState, PeerState } from '@spansync/common/core/agent/state'
import { conflictMark } from '@spansync/common/core/causal/conflict-name'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import type {
  Amount,
  FolderPeerStatus,
  FolderStatus,
  LinkStatus,
  Problem,
  Status,
} from '@spansync/common/protocol/status'
import type { Follower } from '../coordination/follower.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import type { LinkStatus as TransportLink } from '../transport/types.ts'
import { version } from '../version.ts'
import type { Network } from './network.ts'
import type { StatusHub } from './status-hub.ts'

const shownProblems = 20

/** Everything that `spansync status` shows. */
export function statusOf(network: Network, hub: StatusHub, follower: Follower): Status {
  const { config } = network
  const { clock, identity } = network.options
  const problems = [...hub.problems, ...(follower.problem ? [follower.problem] : [])]
  return {
    node: config.name,
    id: identity.id,
    version,
    pid: process.pid,
    uptimeMs: clock.now() - hub.startedAt,
    ...(config.listen === undefined ? {} : { listen: config.listen }),
    mode: follower.mode,
    coordinator: follower.status,
    jailed: false,
    folders: [...network.hosts.values()].map((host) => folderStatus(network, host)),
    links: network.transport.links().map(linkStatus),
    ...(problems.length === 0 ? {} : { errors: problems }),
  }
}

function linkStatus(link: TransportLink): LinkStatus {
  const { name, up, rttMs, throughputBps, sentBytes, receivedBytes, address, lastError } = link
  return {
    node: name,
    up,
    rttMs: rttMs ?? null,
    throughputBps: throughputBps ?? null,
    sentBytes,
    receivedBytes,
    ...(address === undefined ? {} : { address }),
    ...(lastError === undefined ? {} : { error: lastError }),
  }
}

function folderStatus(network: Network, host: FolderHost): FolderStatus {
  const { engine, problem, options } = host
  const base = { id: options.folder, path: options.config.path }
  const totals = engine?.index.totals()
  const problems = [
    ...(problem ? [problem] : []),
    ...(engine?.problems.list(shownProblems) ?? []),
    ...peerProblems(network, host),
    ...lackingPeers(network, host),
  ]
  return {
    ...base,
    state: stateOf(host),
    files: totals?.files ?? 0,
    bytes: totals?.bytes ?? 0,
    knowledge: engine?.index.meta().knowledge ?? {},
    conflicts: engine ? countConflicts(engine.index) : 0,
    errors: problems.slice(0, shownProblems),
    errorsTotal: problems.length + Math.max(0, (engine?.problems.total ?? 0) - shownProblems),
    peers: peersOf(network, host),
  }
}

function stateOf(host: FolderHost): FolderStatus['state'] {
  if (host.problem && !host.engine) return 'error'
  if (host.isScanning || !host.engine) return 'scanning'
  if (host.problem && host.problem.retryable !== true) return 'error'
  return isSyncing(host) ? 'syncing' : 'idle'
}

function isSyncing({ engine }: FolderHost): boolean {
  if (!engine) return false
  if (engine.isBusy) return true
  return [...engine.state.peers.values()].some((peer) => peer.fetch !== undefined)
}

/** Why single paths do not come from a peer, after they have been tried. */
function peerProblems(network: Network, { engine }: FolderHost): Problem[] {
  if (!engine) return []
  return [...engine.state.peers].flatMap(([id, peer]) =>
    [...peer.wanted.values()]
      .filter(({ attempts }) => attempts > 1)
      .slice(0, shownProblems)
      .map(({ entry, reason }) => ({
        code: 'behind',
        message: `${entry.path} does not come from ${network.nameOf(id) ?? id.slice(0, 8)}: ${reason}`,
        remedy: remedyFor(reason),
        path: entry.path,
        retryable: true,
      })),
  )
}

/** Peers that are there but do not take part. */
function lackingPeers(network: Network, { options, links }: FolderHost): Problem[] {
  const { folder } = options
  return Object.entries(network.config.peers)
    .filter(([, { id }]) => network.links.has(id) && network.foldersFor(id).includes(folder) && !links.has(id))
    .map(([node]) => ({
      code: 'peer_lacks_folder',
      message: `${node} does not hold the folder ${folder}, or does not share it with this machine`,
      remedy: `on ${node}: spansync folder add ${folder} PATH; or here: name the peers that take part with --with`,
      retryable: true,
    }))
}

function remedyFor(reason: string): string {
  if (/no space|ENOSPC|disk full/i.test(reason))
    return 'make room on the disk of this machine; it is tried again by itself'
  if (/permission|EACCES|EPERM|denied/i.test(reason)) return 'make the path writable for the user that runs spansync'
  if (/name/i.test(reason)) return 'rename it on the other machine: this file system cannot hold the name'
  return 'it is tried again by itself; `spansync doctor` looks for causes'
}

function peersOf(network: Network, host: FolderHost): FolderPeerStatus[] {
  const { folder } = host.options
  return Object.entries(network.config.peers)
    .filter(([, { id }]) => network.foldersFor(id).includes(folder))
    .map(([node, { id }]) => peerStatus(node, host, id))
}

function peerStatus(node: string, { engine, links }: FolderHost, id: NodeId): FolderPeerStatus {
  const peer = engine?.state.peers.get(id)
  const none = { files: 0, bytes: 0 }
  if (!engine || !peer) return { node, connected: links.has(id), behind: none, lacking: none }
  return { node, connected: links.has(id), behind: behindOf(engine.index, peer), lacking: lackingOf(peer) }
}

const page = 5000

/** What this replica has and the peer, by its own word, does not. */
export function behindOf(index: FolderIndex, { announced }: PeerState): Amount {
  if (announced && announced.digest === index.meta().digest) return { files: 0, bytes: 0 }
  let files = 0
  let bytes = 0
  for (let since = 0; ; ) {
    const { rows, toSeq, complete } = index.since(since, announced?.knowledge ?? {}, page)
    files += rows.length
    bytes += rows.reduce((sum, { size }) => sum + size, 0)
    since = toSeq
    if (complete) return { files, bytes }
  }
}

export function lackingOf(peer: PeerState): Amount {
  const entries = [...peer.wanted.values()].map(({ entry }) => entry)
  return { files: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) }
}

const counted = new WeakMap<FolderIndex, { seq: number; conflicts: number }>()

/** Reads every path, so only when something has changed since the last time. */
function countConflicts(index: FolderIndex): number {
  const { seq } = index.meta()
  const known = counted.get(index)
  if (known?.seq === seq) return known.conflicts
  const conflicts = index.containing(conflictMark, 10_000).length
  counted.set(index, { seq, conflicts })
  return conflicts
}

export type { FolderState }
