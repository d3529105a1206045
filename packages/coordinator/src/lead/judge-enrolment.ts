import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { signerOf } from '@spansync/common/adapters/certificate/signed'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Enrolment, enrolmentText } from '@spansync/common/protocol/enrolment'
import type { NodeRecord } from '../store/records.ts'

/** More come in by a person's hand only: one member must not fill the store. */
const mostNodes = 1000

export type Judgement =
  | { readonly kind: 'known' }
  /** `replaces`: ids that the node had before. */
  | { readonly kind: 'put'; readonly record: NodeRecord; readonly replaces: readonly NodeId[] }
  | { readonly kind: 'refused'; readonly reason: string }

export interface Asked {
  /** Who has brought it: the NATS server permits no other subject. */
  readonly by: NodeId
  readonly enrolment: Enrolment
  readonly nodes: readonly NodeRecord[]
  /** Ms since 1970. */
  readonly now: number
}

/** A member vouches for whom it brings, as when it invites; the node's own signature says which key is its. */
export function judgeEnrolment({ by, enrolment, nodes, now }: Asked): Judgement {
  const { certificate, name, nkey, at } = enrolment
  if (!nodes.some(({ id }) => id === by)) return refused('whoever asks for it is not registered here')
  const id = signerOf(enrolment, enrolmentText(enrolment))
  if (id === undefined) return refused('it is not signed by the node that it is for')
  const former = new Set(lineageOf(Buffer.from(certificate, 'base64')).map(({ replaces }) => replaces))
  const [known, before] = [nodes.find((node) => node.id === id), nodes.filter((node) => former.has(node.id))]
  // A clock that is ahead must not make this the last word.
  const addedAt = Math.min(at, Math.max(0, Math.round(now)))
  if (known !== undefined) {
    if (known.nkey === nkey) return { kind: 'known' }
    if (at <= known.addedAt) return refused('the node was let in with another key since')
    return { kind: 'put', record: { ...known, nkey, addedAt }, replaces: [] }
  }
  const replaces = before.map((node) => node.id)
  const [first] = before
  if (first !== undefined) return { kind: 'put', record: { ...first, id, nkey, addedAt }, replaces }
  if (nodes.length >= mostNodes) return refused(`there are ${mostNodes} nodes already: a person has to add more`)
  const record = { id, name: freeName(name, new Set(nodes.map((node) => node.name))), nkey, addedAt }
  return { kind: 'put', record, replaces: [] }
}

function refused(reason: string): Judgement {
  return { kind: 'refused', reason }
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name.slice(0, 58)}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}
