import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Roster, Statement } from '@spansync/common/core/roster/roster'
import { statementSchema } from '@spansync/common/protocol/roster'
import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'
import { z } from 'zod'

const fileSchema = z.object({ version: z.literal(1), statements: z.array(z.unknown()) })

export const rosterFile = (home: string): string => join(home, 'members.json')

/** The member list on the disk cannot be read. It must not count as empty: then whoever was removed would be let in again. */
export class RosterDamagedError extends SpansyncError {
  constructor(file: string, cause: unknown) {
    super({
      code: 'members_damaged',
      message: `the member list ${file} cannot be used: ${messageOf(cause)}`,
      remedy:
        'put it back from a backup, or have a member run `spansync invite`, and join again here: that begins a new one',
      cause,
    })
  }
}

/** Undefined when this node takes no part in a member list: it has neither invited anybody nor joined. Throws RosterDamagedError. */
export function loadRoster(home: string): Roster | undefined {
  const file = rosterFile(home)
  if (!existsSync(file)) return undefined
  try {
    const { statements } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return new Map(wellFormed(statements).map((one) => [one.subject, one]))
  } catch (error) {
    throw new RosterDamagedError(file, error)
  }
}

/** What cannot be read is left out: one bad statement must not hide the others. */
export function wellFormed(statements: readonly unknown[]): Statement[] {
  return statements.flatMap((one) => {
    const parsed = statementSchema.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
}

/** Whole or not at all. */
export function saveRoster(home: string, roster: Roster): void {
  const file = rosterFile(home)
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    const content = { version: 1, statements: [...roster.values()] }
    writeFileSync(temporary, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600, flush: true })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}
