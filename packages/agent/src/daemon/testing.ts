import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message } from '@spansync/common/protocol/messages'
import type { Problem } from '@spansync/common/protocol/status'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import type { FolderHost } from '../folder/folder-host.ts'
import type { Network } from './network.ts'
import { Probes } from './probes.ts'

export const docs = 'docs' as FolderId

export interface TestNetwork {
  readonly network: Network
  readonly host: FolderHost
  readonly clock: FakeClock
  /** What was sent to whom, in order. */
  readonly sent: { readonly to: string; readonly message: Message }[]
  /** Calls when something is sent. */
  onSent: (to: string, message: Message) => void
}

export interface TestNetworkOptions {
  /** Names of linked peers; each one's id is its name. */
  readonly peers: readonly string[]
  readonly digest?: string
  readonly stopped?: Problem
  readonly degraded?: Problem
  readonly rescan?: () => Promise<void>
}

/** One node's network with one folder and no bytes: links that remember what they were told, and an index that is only a digest. */
export function makeTestNetwork(options: TestNetworkOptions): TestNetwork {
  const clock = new FakeClock()
  const peers = options.peers.map((name) => [name as unknown as NodeId, name] as const)
  const made: Omit<TestNetwork, 'network' | 'host'> = { clock, sent: [], onSent: () => {} }
  const links = new Map(
    peers.map(([peer, name]): [NodeId, Link] => {
      const send = (message: Message): void => {
        made.sent.push({ to: name, message })
        made.onSent(name, message)
      }
      return [peer, { peer, name, dialed: true, send, drop: () => {}, openStream: () => Promise.reject(new Error()) }]
    }),
  )
  const engine = {
    index: { meta: () => ({ replica: 'self.0123456789', digest: options.digest ?? same, knowledge: {}, seq: 0 }) },
    state: { peers: new Map() },
    isBusy: false,
  }
  const host = {
    options: { folder: docs },
    links,
    doors: { doorTo: () => 'open' },
    engine,
    isScanning: false,
    waiting: [],
    stopped: options.stopped,
    problem: options.stopped ?? options.degraded,
    rescan: options.rescan ?? (async () => {}),
    settle: async () => {},
  } as unknown as FolderHost
  const network = {
    options: { clock },
    hosts: new Map([[docs, host]]),
    links,
    config: { name: 'self', peers: Object.fromEntries(peers.map(([id, name]) => [name, { id }])) },
    transport: { poke: () => {} },
    foldersFor: () => [docs],
    nameOf: (peer: NodeId) => links.get(peer)?.name,
  } as unknown as Network
  Object.assign(network, { probes: new Probes(network) })
  return Object.assign(made, { network, host })
}

/** A digest that all replicas of a test have, unless told otherwise. */
export const same = 'a'.repeat(32)
