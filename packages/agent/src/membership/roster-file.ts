import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Roster } from '@spansync/common/core/roster/roster'
import { statementSchema } from '@spansync/common/protocol/roster'
import { errnoOf, messageOf, SpansyncError } from '@spansync/common/runtime/errors'
import { z } from 'zod'

const fileSchema = z.strictObject({ version: z.literal(1), statements: z.array(statementSchema) })

/** The member list on the disk cannot be read. It must not count as empty: then whoever was removed would be let in again. */
export class RosterDamagedError extends SpansyncError {
  constructor(file: string, cause: unknown) {
    super({
      code: 'members_damaged',
      message: `the member list ${file} cannot be used: ${messageOf(cause)}`,
      remedy:
        'put it back from a backup, or move it away: the other members send theirs, and who was removed is refused again then',
      cause,
    })
  }
}

/** Throws RosterDamagedError. */
export function loadRoster(file: string): Roster {
  try {
    const { statements } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return new Map(statements.map((one) => [one.subject, one]))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map<NodeId, never>()
    throw new RosterDamagedError(file, error)
  }
}

/** Whole or not at all. */
export function saveRoster(file: string, roster: Roster): void {
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    const content = { version: 1, statements: [...roster.values()] }
    writeFileSync(temporary, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600, flush: true })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}
