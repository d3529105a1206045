import type { Effect } from '@spansync/common/core/agent/events'
import { plain } from '@spansync/common/core/causal/change'
import type { Member } from '@spansync/common/core/causal/members'
import type { FolderId, ReplicaId, Row } from '@spansync/common/core/causal/types'
import type { Message } from '@spansync/common/protocol/messages'

type Sending = Extract<
  Effect,
  { kind: 'send_summary' | 'send_entries' | 'send_disputed' | 'send_resend' | 'send_members' }
>

/** The messages of one effect. Long paths and large vectors are split over several, for the size of a message is bounded. */
export function toMessages(folder: FolderId, replica: ReplicaId, effect: Sending): Message[] {
  if (effect.kind === 'send_resend') {
    const { round } = effect
    return [{ type: 'resend', folder, ...(round === undefined ? { all: true } : { all: false, round }) }]
  }
  if (effect.kind === 'send_members') {
    return splitBySize(effect.members, sizeOfMember).map((members) => ({
      type: 'members',
      folder,
      members: [...members],
    }))
  }
  if (effect.kind === 'send_disputed') return [{ type: 'disputed', folder, entries: effect.rows.map(plain) }]
  const { knowledge, digest, complete, partial } = effect
  if (effect.kind === 'send_summary') {
    return [
      {
        type: 'summary',
        folder,
        replica,
        knowledge,
        digest,
        received: effect.received,
        complete,
        scope: effect.scope,
        follows: effect.follows,
        door: effect.door,
        partial,
        ...(effect.holdsBack ? { holdsBack: true } : {}),
        ...(effect.lacks ? { lacks: effect.lacks } : {}),
        ...(effect.collected === undefined ? {} : { collected: effect.collected }),
        ...(effect.round === undefined ? {} : { round: effect.round }),
      },
    ]
  }
  const parts = splitBySize(effect.rows, sizeOf)
  return parts.map((rows, at) => {
    const isLast = at === parts.length - 1
    const toSeq = isLast ? effect.toSeq : (rows.at(-1) as Row).seq
    const said = { toSeq, complete: complete && isLast, knowledge, digest, partial }
    const heldBack = rows.flatMap(({ path }, index) => (effect.heldBack.has(path) ? [index] : []))
    const held = heldBack.length === 0 ? {} : { heldBack }
    return { type: 'entries', folder, entries: rows.map(plain), ...held, ...said }
  })
}

/** Well below what a message may hold, whatever the estimate misses. */
const partBytes = 1 << 20

/** Consecutive parts of about a megabyte at most; at least one, and none empty unless all is. */
export function splitBySize<T>(items: readonly T[], size: (item: T) => number): T[][] {
  const parts: T[][] = [[]]
  let bytes = 0
  for (const item of items) {
    const more = size(item)
    if (bytes + more > partBytes && bytes > 0) {
      parts.push([])
      bytes = 0
    }
    ;(parts.at(-1) as T[]).push(item)
    bytes += more
  }
  return parts
}

function sizeOfMember({ knowledge, neighbours }: Member): number {
  return 200 + Object.keys(knowledge).length * 48 + neighbours.length * 68
}

function sizeOf({ path, vector, dots, beaten = [] }: Row): number {
  return 300 + path.length * 3 + (Object.keys(vector).length + dots.length + beaten.length) * 48
}
