import type { Words } from '@spansync/common/core/roster/roster'
import { heirsOf, type Rotations } from '@spansync/common/core/roster/rotation'
import type { Link } from '@spansync/common/ports'
import { mostRotations, mostStatements } from '@spansync/common/protocol/roster'

/** Passes on what is known of members, in as many messages as it takes. */
export function tell(link: Link, { statements, rotations = [] }: Words): void {
  const all: Rotations = new Map(rotations.map((one) => [one.subject, one]))
  // The certificate of the last one holds those before it.
  const last = rotations.filter(({ subject }) => heirsOf(all, subject).length === 0)
  const certificates = last.map(({ certificate }) => certificate)
  const count = Math.max(1, Math.ceil(statements.length / mostStatements), Math.ceil(last.length / mostRotations))
  for (let at = 0; at < count; at++) {
    link.send({
      type: 'roster',
      statements: statements.slice(at * mostStatements, (at + 1) * mostStatements),
      rotations: certificates.slice(at * mostRotations, (at + 1) * mostRotations),
    })
  }
}
