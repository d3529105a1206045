import { randomBytes } from 'node:crypto'
import type { ReplicaId } from '@spansync/common/core/causal/types'

/** The node's name for people, and 40 random bits: never used twice. */
export function newReplicaId(nodeName: string): ReplicaId {
  return `${nodeName}.${randomBytes(5).toString('hex')}` as ReplicaId
}
