import { add, amountOf, noAmount } from '@spansync/common/core/agent/amount'
import type { Waiting } from '@spansync/common/core/agent/deletion-state'
import type { FolderState, PeerState } from '@spansync/common/core/agent/state'
import type { NodeId } from '@spansync/common/core/causal/types'
import { waitsFor } from '@spansync/common/core/policy/priority'
import type {
  Amount,
  FolderPeerStatus,
  FolderStatus,
  Held,
  LinkStatus,
  Problem,
  Status,
} from '@spansync/common/protocol/status'
import type { Follower } from '../coordination/follower.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import type { AddressStatus, LinkStatus as TransportLink } from '../transport/types.ts'
import { version } from '../version.ts'
import { behindOf, lackedBy } from './amounts.ts'
import { countConflicts } from './conflicts.ts'
import type { Network } from './network.ts'
import { notInForce } from './not-in-force.ts'
import type { StatusHub } from './status-hub.ts'

const shownProblems = 20

/** Peers of the configuration with whom nothing is linked: those that were removed are no longer in it. */
function contestedPeers({ config, options: { members } }: Network): Problem[] {
  const contested = Object.entries(config.peers).filter(([, { id }]) => members.isShutOut(id))
  return contested.map(([name]) => ({
    code: 'peer_contested',
    message: `two keys claim to be that of ${name}: one was stolen, and both are shut out`,
    remedy: `run \`spansync invite\` here, and \`spansync join\` on the machine that is really ${name}; then look after the other one`,
  }))
}

/** Everything that `spansync status` shows. */
export function statusOf(network: Network, hub: StatusHub, follower: Follower): Status {
  const { config } = network
  const { clock, identity } = network.options
  const own = follower.problem ? [follower.problem] : []
  const problems = [...hub.problems, ...own, ...contestedPeers(network), ...notInForce(config)]
  return {
    node: config.name,
    id: identity.id,
    version,
    pid: process.pid,
    uptimeMs: clock.now() - hub.startedAt,
    ...(config.listen === undefined ? {} : { listen: config.listen }),
    mode: follower.mode,
    coordinator: follower.status,
    jailed: network.options.engine.isJailed,
    folders: [...network.hosts.values()].map((host) => folderStatus(network, host)),
    links: network.transport.links().map((link) => linkStatus(network, link)),
    ...(problems.length === 0 ? {} : { errors: problems }),
  }
}

function linkStatus(network: Network, link: TransportLink): LinkStatus {
  const dataCap = network.capOver(link.node, link.address)
  const clockSkewMs = network.skews.get(link.node)
  const availability = network.history.availability(link.node, ...network.options.members.formerIds(link.node))
  const { name, up, rttMs, throughputBps, sentBytes, receivedBytes, address, addresses, lastError } = link
  return {
    node: name,
    up,
    rttMs: rttMs ?? null,
    throughputBps: throughputBps ?? null,
    sentBytes,
    receivedBytes,
    ...(dataCap === undefined ? {} : { dataCap }),
    ...(address === undefined ? {} : { address }),
    ...(addresses.length === 0 ? {} : { addresses: addresses.map(addressStatus) }),
    ...(availability === undefined ? {} : { availability: Math.round(availability * 1e4) / 1e4 }),
    ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    ...(lastError === undefined ? {} : { error: lastError }),
  }
}

function addressStatus({
  rttMs,
  throughputBps,
  error,
  ...rest
}: AddressStatus): NonNullable<LinkStatus['addresses']>[0] {
  return {
    ...rest,
    rttMs: rttMs ?? null,
    throughputBps: throughputBps ?? null,
    ...(error === undefined ? {} : { error }),
  }
}

function folderStatus(network: Network, host: FolderHost): FolderStatus {
  const { engine, problem, options } = host
  const base = { id: options.folder, path: options.config.path }
  const totals = engine?.index.totals()
  const problems = [
    ...(problem ? [problem] : []),
    ...host.waiting,
    ...(engine?.problems.list(shownProblems) ?? []),
    ...twins(host),
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
    ...waitingOf(host),
    errors: problems.slice(0, shownProblems),
    errorsTotal: problems.length + Math.max(0, (engine?.problems.total ?? 0) - shownProblems),
    peers: peersOf(network, host),
  }
}

function stateOf(host: FolderHost): FolderStatus['state'] {
  if (host.problem && !host.engine) return 'error'
  if (host.isScanning || !host.engine) return 'scanning'
  if (host.problem && host.problem.retryable !== true) return 'error'
  if (host.waiting.length > 0) return 'waiting'
  return isSyncing(host) ? 'syncing' : 'idle'
}

function waitingOf({ engine }: FolderHost): Pick<FolderStatus, 'waiting'> {
  const { here, peers } = engine?.state.deletions.waiting ?? {}
  if (!here && !peers) return {}
  return { waiting: { ...(here ? { here: amounts(here) } : {}), ...(peers ? { peers: amounts(peers) } : {}) } }
}

function amounts({ files, total }: Waiting): Pick<Waiting, 'files' | 'total'> {
  return { files, total }
}

function isSyncing({ engine }: FolderHost): boolean {
  if (!engine) return false
  if (engine.isBusy) return true
  return [...engine.state.peers.values()].some((peer) => peer.fetch !== undefined)
}

/** What cannot be here because of what is. */
function twins({ engine }: FolderHost): Problem[] {
  if (!engine?.state.folding) return []
  const wishes = [...engine.state.peers.values()].flatMap(({ wanted }) => [...wanted.values()])
  const found = new Map(wishes.flatMap(({ entry, twin }) => (twin === undefined ? [] : [[entry.path, twin]])))
  return [...found].slice(0, shownProblems).map(([path, twin]) => ({
    code: 'name_taken',
    message: `${path} cannot be here beside ${twin}: the disk does not tell the two names apart`,
    remedy: 'rename one of the two, on a machine that holds both; everything else goes on meanwhile',
    path,
    retryable: true,
  }))
}

/** Why single paths do not come from a peer, after they have been tried. */
function peerProblems(network: Network, { engine }: FolderHost): Problem[] {
  if (!engine) return []
  return [...engine.state.peers].flatMap(([id, peer]) =>
    [...peer.wanted.open.values()]
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
    .map(([node, { id }]) => ({ ...peerStatus(node, host, id), ...heldBy(network, host, id) }))
}

/** Why policy here does not let everything pass between the folder and a connected peer. */
export function heldBy({ policy, doors }: Network, host: FolderHost, peer: NodeId): { held?: Held } {
  const { options, links } = host
  const link = links.get(peer)
  const door = link ? host.doors.doorTo(peer) : 'open'
  if (!link || door === 'open') return {}
  const { send, receive } = policy.evaluate(options.folder, link)
  const byRule = new Map([...send.reasons, ...receive.reasons].map((reason) => [reason.rule, reason]))
  const reasons = [...byRule.values()].map(({ rule, message, remedy, where }): Held['reasons'][number] => ({
    rule,
    message,
    remedy,
    key: where.key,
  }))
  const first = doors.firstBefore(options.folder, peer)
  if (first !== undefined) {
    const key = policy.priorityPlace([first, options.folder], peer)?.key ?? ''
    reasons.push({ rule: 'priority', ...waitsFor(first), key })
  }
  // When another folder has done its work nobody can say.
  const times = (first === undefined ? [send, receive] : []).flatMap(({ nextChangeAt }) =>
    nextChangeAt === undefined ? [] : [nextChangeAt],
  )
  return { held: { door, reasons, ...(times.length === 0 ? {} : { untilMs: Math.min(...times) }) } }
}

function peerStatus(node: string, { engine, links, said, options }: FolderHost, id: NodeId): FolderPeerStatus {
  const connected = links.has(id)
  if (!engine) return { node, connected, behind: noAmount, lacking: noAmount }
  const peer = engine.state.peers.get(id)
  const behind = peer?.announced
    ? lackedBy(engine.index, id, peer)
    : behindOf(engine.index, id, said.get(id, options.formerIds(id)))
  return { node, connected, behind, lacking: peer ? lackingOf(peer) : noAmount, ...heldBackOf(peer) }
}

function heldBackOf(peer: PeerState | undefined): Pick<FolderPeerStatus, 'heldBack'> {
  const lacking = peer?.wanted.heldAmount ?? noAmount
  const behind = peer?.announced?.lacks?.heldBack ?? noAmount
  return lacking.files + behind.files > 0 ? { heldBack: { lacking, behind } } : {}
}

export function lackingOf({ wanted: { open, heldAmount } }: PeerState): Amount {
  return add(heldAmount, amountOf([...open.values()].map(({ entry }) => entry)))
}

export type { FolderState }
