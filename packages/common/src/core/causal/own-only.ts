import type { ReplicaId, VersionVector } from './types.ts'

/** What is left of what a replica knows when it can vouch for its own writes only. */
export function ownOnly<T extends { replica: ReplicaId; knowledge: VersionVector; collected: VersionVector }>(
  meta: T,
): T {
  const { replica, knowledge, collected } = meta
  return { ...meta, knowledge: pick(knowledge, replica), collected: pick(collected, replica) }
}

function pick(vector: VersionVector, replica: ReplicaId): VersionVector {
  const counter = vector[replica]
  return counter === undefined ? {} : { [replica]: counter }
}
