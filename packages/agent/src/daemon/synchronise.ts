import { lackOf } from '@spansync/common/core/agent/lack'
import { isSame } from '@spansync/common/core/agent/scope'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { FolderSyncResult, ReplicaResult, SyncRequest, SyncResult } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import { hostsOf } from './hosts.ts'
import type { Network } from './network.ts'
import { noAnswer, type ReplicaState } from './probes.ts'
import { heldBy, lackingOf } from './status.ts'

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
  const settle = (): Promise<void> => host.settle().catch(() => undefined)
  // A scan that fails closes the folder, and then the folder's problem says why.
  let looking = Promise.resolve(scan)
    .catch(() => undefined)
    .then(settle)
  // The last question has little time left for its answers: the one before may say more.
  let answered: FolderSyncResult | undefined
  let result: FolderSyncResult | undefined
  for (let pause = 10; ; pause = Math.min(500, pause * 1.5)) {
    if (!(await isDoneBy(deadline, looking, following))) return late(answered ?? result ?? stillLooking(network, host))
    const left = Math.max(0, deadline - clock.now())
    const replicas = await network.probes.ask(host.options.folder, Math.min(mostAskMs, left))
    result = resultOf(network, host, replicas)
    if (result.equal) return result
    if (replicas.every(({ error }) => error !== noAnswer)) answered = result
    if (signal.aborted || clock.now() + pause > deadline) return late(answered ?? result)
    await clock.sleep(pause, signal).catch(() => undefined)
    looking = settle()
  }
}

/** A peer that is deep in work answers late, and one whose link is dead does not hold up the others for longer. */
const mostAskMs = 15_000

/** False when the time is over first. */
async function isDoneBy(deadline: number, work: Promise<void>, { network, signal }: Following): Promise<boolean> {
  const { clock } = network.options
  const enough = new AbortController()
  const over = clock.sleep(Math.max(0, deadline - clock.now()), AbortSignal.any([signal, enough.signal]))
  const isDone = await Promise.race([work.then(() => true), over.then(no, no)])
  enough.abort()
  return isDone
}

const no = (): boolean => false

function late(result: FolderSyncResult): FolderSyncResult {
  return { ...result, equal: false, timedOut: true }
}

function stillLooking(network: Network, host: FolderHost): FolderSyncResult {
  const result = resultOf(network, host, [])
  const reason = 'it still looks at what has changed'
  return { ...result, replicas: [...result.replicas, { node: network.config.name, state: 'behind', reason }] }
}

function resultOf(network: Network, host: FolderHost, replicas: readonly ReplicaState[]): FolderSyncResult {
  const own = network.probes.own(host.options.folder)
  const others = replicas.filter(({ replica }) => replica !== own?.replica)
  const results = [...others.map((state) => replicaResult(own, state)), ...unreachable(network, host.options.folder)]
  const waiting = [...(host.engine?.state.peers.values() ?? [])].some((peer) => peer.wanted.size > 0)
  const equal =
    own !== undefined && !own.busy && own.error === '' && !waiting && others.every((state) => isEqual(own, state))
  const problem = host.problem ?? host.waiting[0]
  return {
    id: host.options.folder,
    equal,
    replicas: [...results, ...ownLack(network, host), ...(equal ? [] : heldBack(network, host))],
    ...(problem === undefined ? {} : { error: problem }),
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
  const lacked = [...(host.engine?.state.peers.values() ?? [])].find(({ wanted }) => wanted.size > 0)
  if (!lacked) return []
  const lacking = lackingOf(lacked)
  const wish = [...(host.engine?.state.peers.values() ?? [])]
    .flatMap((peer) => [...peer.wanted.open.values()])
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

/** Peers that policy lets nothing pass to or from, or one way only, or not everything. */
function heldBack(network: Network, host: FolderHost): ReplicaResult[] {
  return [...byDoors(network, host), ...byFilters(network, host)]
}

const nothing = { files: 0 }

function byFilters(network: Network, host: FolderHost): ReplicaResult[] {
  return [...(host.engine?.state.peers ?? [])].flatMap(([id, peer]) => {
    const name = network.nameOf(id) ?? id.slice(0, 8)
    const { folder } = host.options
    const remedy = `\`spansync why ${folder} --peer ${name}\` says which rule it is`
    const sides = [
      [network.config.name, lackOf(peer)],
      [name, peer.announced?.lacks],
    ] as const
    return sides.flatMap(([node, lack]): ReplicaResult[] => {
      const { files } = lack?.heldBack ?? nothing
      if (files === 0) return []
      const reason = `policy holds ${files} ${files === 1 ? 'file' : 'files'} back from the link with ${node === name ? network.config.name : name}`
      return [{ node, state: 'behind', reason, remedy }]
    })
  })
}

function byDoors(network: Network, host: FolderHost): ReplicaResult[] {
  return [...host.links.keys()].flatMap((peer) => {
    const [reason] = heldBy(network, host, peer).held?.reasons ?? []
    if (reason === undefined) return []
    const { message, remedy, key } = reason
    const node = network.config.name
    const where = key === '' ? '' : ` (${key})`
    return [{ node, state: 'behind', reason: `towards ${network.nameOf(peer) ?? peer}: ${message}${where}`, remedy }]
  })
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

/** Without the random part; a replica whose index is not known has only its node's name, and that may have dots in it. */
function nodeOf(replica: string): string {
  return replica.replace(/\.[0-9a-f]{10}$/, '')
}
