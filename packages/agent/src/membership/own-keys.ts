import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Roster, take } from '@spansync/common/core/roster/roster'
import { type Identity, loadIdentity, replaceIdentity } from '../transport/identity.ts'
import { certificateOf } from './statement.ts'

/** With what this node's certificate shows: nobody has to have told it whose place its key takes. */
export function withOwnKeys(roster: Roster, identity: Pick<Identity, 'cert'>): Roster {
  const rotations = lineageOf(certificateOf(identity))
  const own = new Set(rotations.map(({ replaces }) => replaces))
  const options = { isGenuine: () => false, isTrusted: (node: NodeId) => own.has(node) }
  return take(roster, { statements: [], rotations }, options).roster
}

/** Answers the identity that is in force afterwards, which is another one than `id`. Throws what `replaceIdentity` does. */
export async function replaceOwnKey(home: string, id: NodeId): Promise<Identity> {
  try {
    return (await replaceIdentity(home)).after
  } catch (error) {
    // It may have gone wrong after the moment of it: then the old key is out all the same, and a daemon that has it must not go on.
    const found = await loadIdentity(home)
    if (found.id === id) throw error
    return found
  }
}
