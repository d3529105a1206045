import type { NodeId } from '../causal/types.ts'

/** A node has a new key. Signed by the old one, in the certificate of the new one: whoever has that can check it, and needs no word of
 *  anybody else. It is final: its own key has said that it is dead. */
export interface Rotation {
  readonly subject: NodeId
  /** The id that the node had before. */
  readonly replaces: NodeId
  /** Of `subject`: DER in base64; its hash is the id. */
  readonly certificate: string
}

/** By the new id. */
export type Rotations = ReadonlyMap<NodeId, Rotation>

/** A key can be replaced so often: each certificate holds the one before. */
export const longestLineage = 8

/** The ids that took this one's place, of which one can be right. */
export function heirsOf(rotations: Rotations, node: NodeId): NodeId[] {
  return [...rotations.values()].filter(({ replaces }) => replaces === node).map(({ subject }) => subject)
}

/** The ids that the node had before, the last one first. */
export function formerIds(rotations: Rotations, node: NodeId): NodeId[] {
  const found: NodeId[] = []
  for (let at = rotations.get(node); at !== undefined; at = rotations.get(at.replaces)) found.push(at.replaces)
  return found
}

/** The first id that is known of the node. */
export function firstIdOf(rotations: Rotations, node: NodeId): NodeId {
  return formerIds(rotations, node).at(-1) ?? node
}
