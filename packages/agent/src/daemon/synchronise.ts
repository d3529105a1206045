import { isSame } from '@spansync/common/core/agent/scope'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { FolderSyncResult, ReplicaResult, SyncRequest, SyncResult } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import { hostsOf } from './hosts.ts'
import type { Network } from './network.ts'
import type { ReplicaState } from './probes.ts'
import { lackingOf } from './status.ts'

/** Looks at the disk again, dials whom it can, and, when asked to wait, asks every replica that can be reached what it holds until all
 *  hold the same. */
export async function synchronise(network: Network, request: SyncRequest, signal: AbortSignal): Promise<SyncResult> {
  const { clock } = network.options
  const begun = clock.now()
  const hosts = hostsOf(network, request.folder)
  network.transport.poke()
  const deadline = begun + request.timeoutMs
  const scans = hosts.map((host) => host.rescan())
  if (!request.wait) void Promise.allSettled(scans)
  const folders = await Promise.all(
    hosts.map((host, at) => follow({ network, host, scan: scans[at], request, deadline, signal })),
  )
  return { folders, elapsedMs: clock.now() - begun }
}

interface Following {
  readonly network: Network
  readonly host: FolderHost
  readonly scan: Promise<void> | undefined
  readonly request: SyncRequest
  readonly deadline: number
  readonly signal: AbortSignal
}

async function follow(following: Following): Promise<FolderSyncResult> {
  const { network, host, scan, request, deadline, signal } = following
  const { clock } = network.options
  if (!request.wait) return resultOf(network, host, [])
  // A scan that fails closes the folder, and then the folder's problem says why.
  await scan?.catch(() => undefined)
  for (let pause = 10; ; pause = Math.min(500, pause * 1.5)) {
    await host.settle().catch(() => undefined)
    const left = Math.max(0, deadline - clock.now())
    const replicas = await network.probes.ask(host.options.folder, Math.min(5000, left))
    const result = resultOf(network, host, replicas)
    if (result.equal) return result
    if (signal.aborted || clock.now() + pause > deadline) return { ...result, timedOut: true }
    await clock.sleep(pause, signal).catch(() => undefined)
  }
}

function resultOf(network: Network, host: FolderHost, replicas: readonly ReplicaState[]): FolderSyncResult {
  const own = network.probes.own(host.options.folder)
  const others = replicas.filter(({ replica }) => replica !== own?.replica)
  const results = [...others.map((state) => replicaResult(own, state)), ...unreachable(network, host.options.folder)]
  const waiting = [...(host.engine?.state.peers.values() ?? [])].some((peer) => peer.wanted.size > 0)
  const equal =
    own !== undefined && !own.busy && own.error === '' && !waiting && others.every((state) => isEqual(own, state))
  return {
    id: host.options.folder,
    equal,
    replicas: [...results, ...ownLack(network, host)],
    ...(host.problem === undefined ? {} : { error: host.problem }),
  }
}

function isEqual(own: ReplicaState, other: ReplicaState): boolean {
  return isSame(own, other) && !other.busy && other.error === ''
}

function replicaResult(own: ReplicaState | undefined, state: ReplicaState): ReplicaResult {
  const node = nodeOf(state.replica)
  if (state.error) return { node, state: 'failed', reason: state.error }
  if (own && isEqual(own, state)) return { node, state: 'equal' }
  return { node, state: 'behind', reason: state.busy ? 'it is at work' : 'it does not hold the same yet' }
}

function ownLack(network: Network, host: FolderHost): ReplicaResult[] {
  const lacking = [...(host.engine?.state.peers.values() ?? [])].map(lackingOf).find(({ files }) => files > 0)
  if (!lacking) return []
  const wish = [...(host.engine?.state.peers.values() ?? [])]
    .flatMap((peer) => [...peer.wanted.values()])
    .find(({ reason }) => reason)
  return [
    {
      node: network.config.name,
      state: 'behind',
      lacking,
      ...(wish ? { reason: `${wish.entry.path}: ${wish.reason}` } : {}),
    },
  ]
}

function unreachable(network: Network, folder: FolderId): ReplicaResult[] {
  return Object.entries(network.config.peers)
    .filter(([, { id }]) => network.foldersFor(id).includes(folder) && !network.hosts.get(folder)?.links.has(id))
    .map(([node, { id }]) => ({
      node,
      state: 'unreachable',
      reason: network.links.has(id) ? 'it does not hold this folder' : 'it cannot be reached',
      ...(network.links.has(id) ? { remedy: `on ${node}: spansync folder add ${folder} PATH` } : {}),
    }))
}

function nodeOf(replica: string): string {
  const dot = replica.lastIndexOf('.')
  return dot > 0 ? replica.slice(0, dot) : replica
}
