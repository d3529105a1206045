import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { signerOf } from '@spansync/common/adapters/certificate/signed'
import { freeName } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Enrolment, enrolmentText } from '@spansync/common/protocol/enrolment'
import type { NodeRecord, RemovedNode } from '../store/records.ts'

/** More come in by a person's hand only: one member must not fill the store. */
const mostNodes = 1000
/** Each replacement is remembered: a member that makes ever new keys must not fill the store either. */
const mostRemoved = 10_000

export type Judgement =
  /** `replaces`: registered ids that the node had before; also of one that is known, for a crash may have broken the replacement off. */
  | { readonly kind: 'known'; readonly record: NodeRecord; readonly replaces: readonly NodeId[] }
  | { readonly kind: 'put'; readonly record: NodeRecord; readonly replaces: readonly NodeId[] }
  | { readonly kind: 'refused'; readonly reason: string }

export interface Asked {
  /** Who has brought it: the NATS server permits no other subject. */
  readonly by: NodeId
  readonly enrolment: Enrolment
  readonly nodes: readonly NodeRecord[]
  /** Read after `nodes`. */
  readonly removed: readonly RemovedNode[]
  /** Ms since 1970. */
  readonly now: number
}

/** A member vouches for whom it brings, as when it invites; the node's own signature says which key is its. */
export function judgeEnrolment({ by, enrolment, nodes, removed, now }: Asked): Judgement {
  const { certificate, name, nkey, at } = enrolment
  if (!nodes.some(({ id }) => id === by)) return refused('whoever asks for it is not registered here')
  const id = signerOf(enrolment, enrolmentText(enrolment))
  if (id === undefined) return refused('it is not signed by the node that it is for')
  const lineage = lineageOf(Buffer.from(certificate, 'base64')).map(({ replaces }) => replaces)
  if (isRemoved([...lineage, id], { nodes, removed })) return refused('removed here: `nodes add` lets it in again')
  const former = new Set(lineage)
  const [known, before] = [nodes.find((node) => node.id === id), nodes.filter((node) => former.has(node.id))]
  // A clock that is ahead must not make this the last word.
  const addedAt = Math.min(at, Math.max(0, Math.round(now)))
  const replaces = before.map((node) => node.id)
  if (known !== undefined) {
    if (known.nkey === nkey) return { kind: 'known', record: known, replaces }
    if (at <= known.addedAt) return refused('the node was let in with another key since')
    return { kind: 'put', record: { ...known, nkey, addedAt }, replaces }
  }
  const [first] = before
  if (first !== undefined && removed.length >= mostRemoved)
    return refused('too many have been replaced already: a person has to add it')
  if (first !== undefined) return { kind: 'put', record: { ...first, id, nkey, addedAt }, replaces }
  if (nodes.length >= mostNodes) return refused(`there are ${mostNodes} nodes already: a person has to add more`)
  const record = { id, name: freeName(name, new Set(nodes.map((node) => node.name))), nkey, addedAt }
  return { kind: 'put', record, replaces: [] }
}

/** What was decided last about the node, under any of its ids, oldest first, holds: somebody may have added it with a newer key. */
function isRemoved(chain: readonly NodeId[], { nodes, removed }: Pick<Asked, 'nodes' | 'removed'>): boolean {
  const [registered, gone] = [nodes, removed].map((all) => new Set(all.map(({ id }) => id)))
  // One that is both was removed after the nodes had been read.
  const last = chain.findLast((id) => registered?.has(id) || gone?.has(id))
  return last !== undefined && gone?.has(last) === true
}

function refused(reason: string): Judgement {
  return { kind: 'refused', reason }
}
