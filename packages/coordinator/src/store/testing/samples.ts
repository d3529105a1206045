import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { LinkEvent, NodeRecord, Report, State } from '../records.ts'
import type { Acquisition, Epoch, LeaseStore } from '../store.ts'

export const nodeId = (digit: string): NodeId => digit.repeat(64) as NodeId
export const [nodeA, nodeB, nodeC] = ['a', 'b', 'c'].map(nodeId) as [NodeId, NodeId, NodeId]
export const folder = (name: string): FolderId => name as FolderId

export function node(id: NodeId, more: Partial<NodeRecord> = {}): NodeRecord {
  return { id, name: `node ${id[0]}`, nkey: `U${'A'.repeat(55)}`, addedAt: 1_700_000_000_000, ...more }
}

export function state(id: NodeId, more: Partial<State> = {}): State {
  return {
    node: id,
    name: 'laptop',
    software: '0.1.0',
    run: 'run',
    seq: 7,
    full: true,
    mode: { configured: 'auto', effective: 'centralised' },
    replicas: [
      {
        folder: folder('photos'),
        state: 'open',
        scope: '',
        knowledge: { 'laptop.00000001': 2 ** 52 },
        files: 3,
        bytes: 2 ** 50,
        peers: [nodeB],
      },
    ],
    orders: [],
    ...more,
  }
}

export const up = (at: number, a = nodeA, b = nodeB): LinkEvent => ({ a, b, at, up: true })
export const down = (at: number, a = nodeA, b = nodeB): LinkEvent => ({ a, b, at, up: false })

export function report(id: string, more: Partial<Report> = {}): Report {
  return {
    id,
    node: nodeA,
    peer: nodeB,
    folder: folder('photos'),
    direction: 'sent',
    files: 2,
    bytes: 1000,
    startedAt: Date.now(),
    durationMs: 20.4,
    outcome: 'done',
    ...more,
  }
}

/** The epoch of a lease that is free. */
export async function lead(lease: LeaseStore, holder = 'first', ttlMs = 60_000): Promise<Epoch> {
  return epochOf(await lease.acquire(holder, ttlMs))
}

export function epochOf(acquisition: Acquisition): Epoch {
  if (acquisition.status === 'held') throw new Error(`the lease is held by ${acquisition.by}`)
  return acquisition.epoch
}
