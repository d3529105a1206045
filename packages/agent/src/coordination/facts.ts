import { settingsOver } from '@spansync/common/config/addresses'
import type { PeerConfig } from '@spansync/common/config/schema'
import type { IndexMeta } from '@spansync/common/core/agent/events'
import { lacksOnlyHeldBack, waitsForPolicy } from '@spansync/common/core/agent/lack'
import type { PeerState } from '@spansync/common/core/agent/state'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { LinkFacts, ReplicaFacts } from '@spansync/common/core/coordinator/facts'
import type { OrderRefusal, Standing } from '@spansync/common/core/follow/orders'
import { leftOf } from '../daemon/data-usage.ts'
import type { Network } from '../daemon/network.ts'
import { doorText } from '../folder/folder-doors.ts'
import type { FolderHost } from '../folder/folder-host.ts'

/** What the coordinator hears of each replica of this node. */
export function replicaFactsOf(network: Network): ReplicaFacts[] {
  return [...network.hosts.values()].map(replicaFacts)
}

function replicaFacts({ options, engine, isScanning, links }: FolderHost): ReplicaFacts {
  const { folder } = options
  if (!engine) return { folder, state: 'closed', knowledge: {}, scope: '', files: 0, bytes: 0, peers: [] }
  const { replica, knowledge, digest } = engine.index.meta()
  const { files, bytes } = engine.index.totals()
  const peers = [...links.keys()].sort()
  const state = isScanning ? 'scanning' : 'open'
  const narrow = peers.filter((peer) => engine.state.peers.get(peer)?.holdsBack !== undefined)
  const own = { folder, replica, state, knowledge, digest, scope: engine.state.scope, files, bytes, peers } as const
  return narrow.length === 0 ? own : { ...own, narrow }
}

/** What this node's end of each link shows. A new one counts once it has been measured: nothing shall take a slow way because nobody
 *  knows yet that it is slow. */
export function linkFactsOf(network: Network): LinkFacts[] {
  const configured = new Map(Object.values(network.config.peers).map((peer) => [peer.id, peer]))
  return network.transport.links().map((link) => {
    const { node, up, measuring, rttMs, throughputBps, throughputProbed, sentBytes, receivedBytes } = link
    const peer = configured.get(node)
    return {
      peer: node,
      up: up && !measuring,
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 10) / 10 }),
      ...(throughputBps === undefined ? {} : { throughputBps: Math.round(throughputBps) }),
      ...(throughputProbed ? { throughputProbed } : {}),
      sentBytes,
      receivedBytes,
      ...(peer === undefined ? {} : { configured: configuredOf(network, peer, link.address) }),
    }
  })
}

/** Of the address in use. */
function configuredOf(network: Network, peer: PeerConfig, address: string | undefined): LinkFacts['configured'] {
  const cap = network.capOver(peer.id, address)
  const { latencyMs, throughputBps, pricePerGb, metered } = settingsOver(peer, address)
  return {
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(throughputBps === undefined ? {} : { throughputBps }),
    ...(pricePerGb === undefined ? {} : { pricePerGb }),
    ...(metered ? { metered } : {}),
    ...(cap === undefined ? {} : { capBytes: leftOf(cap.bytes, cap.usedBytes) }),
  }
}

/** How an order between this replica and the peer stands. */
export function standingOf(host: FolderHost | undefined, peer: NodeId, now: number): Standing {
  const state = host?.engine?.state.peers.get(peer)
  if (!host?.engine || !state) return { kind: 'apart' }
  if (host.engine.isSettledWith(peer)) return { kind: 'settled', heard: state.announced }
  // It goes on by itself, and the order with it.
  if (host.doors.waitsAt(peer)) return { kind: 'working' }
  const doors = [state.door, state.announced?.door ?? 'open']
  if (doors.includes('shut')) return { kind: 'stuck', reason: doorText.shut }
  const reason = host.engine.isBusy ? undefined : stuckBecause(state, host.engine.index.meta(), now)
  return reason === undefined ? { kind: 'working' } : { kind: 'stuck', reason }
}

/** Everything that is left has failed and waits for its next try, or for policy. */
function stuckBecause(peer: PeerState, own: Pick<IndexMeta, 'knowledge'>, now: number): string | undefined {
  const { wanted, fetch, announced } = peer
  if (fetch !== undefined) return undefined
  const isHeldBackThere = lacksOnlyHeldBack(peer)
  if (wanted.size === 0) return isHeldBackThere ? heldBackText : undefined
  if (waitsForPolicy(peer)) {
    const hasAll = isHeldBackThere || covers(announced?.knowledge ?? {}, own.knowledge)
    return hasAll ? heldBackText : undefined
  }
  let reason = wanted.held.size > 0 ? heldBackText : undefined
  for (const wish of wanted.open.values()) {
    // The peer is to settle it, and cannot.
    if (wish.need === 'wait' && isHeldBackThere) continue
    if (wish.attempts === 0 || wish.notBefore <= now) return undefined
    reason ??= `${wish.entry.path}: ${wish.reason}`
  }
  return reason
}

const heldBackText = 'policy holds what is left back from the link'

/** Why an order for this folder and peer cannot be carried out now. */
export function refusalOf(network: Network, folder: FolderId, peer: NodeId): OrderRefusal | undefined {
  const host = network.hosts.get(folder)
  if (!host) return 'folder_not_held'
  if (network.nameOf(peer) === undefined || !network.foldersFor(peer).includes(folder)) return 'unknown_peer'
  return host.links.has(peer) ? undefined : 'not_connected'
}
