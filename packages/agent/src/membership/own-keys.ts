import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Roster, take } from '@spansync/common/core/roster/roster'
import type { Identity } from '../transport/identity.ts'
import { certificateOf } from './statement.ts'

/** With what this node's certificate shows: nobody has to have told it whose place its key takes. */
export function withOwnKeys(roster: Roster, identity: Pick<Identity, 'cert'>): Roster {
  const rotations = lineageOf(certificateOf(identity))
  const own = new Set(rotations.map(({ replaces }) => replaces))
  const options = { isGenuine: () => false, isTrusted: (node: NodeId) => own.has(node) }
  return take(roster, { statements: [], rotations }, options).roster
}
