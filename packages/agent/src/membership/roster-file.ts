import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import type { Roster, Statement } from '@spansync/common/core/roster/roster'
import type { Rotation } from '@spansync/common/core/roster/rotation'
import { certificateText, statementSchema } from '@spansync/common/protocol/roster'
import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'
import { z } from 'zod'

const fileSchema = z.object({
  version: z.literal(1),
  takesPart: z.boolean().default(true),
  statements: z.array(z.unknown()),
  /** Certificates. */
  rotations: z.array(z.unknown()).default([]),
})

export interface RosterFile {
  readonly roster: Roster
  /** This node has invited somebody, or joined. Else it only knows of new keys of its peers, and takes nobody's word on others. */
  readonly takesPart: boolean
}

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

/** Undefined when there is none. Throws RosterDamagedError. */
export function loadRoster(home: string): RosterFile | undefined {
  const file = rosterFile(home)
  if (!existsSync(file)) return undefined
  try {
    const { takesPart, statements, rotations } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    const [said, proved] = [wellFormed(statements), provedRotations(rotations)]
    return {
      takesPart,
      roster: {
        statements: new Map(said.map((one) => [one.subject, one])),
        rotations: new Map(proved.map((one) => [one.subject, one])),
      },
    }
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

/** What certificates in base64 prove, the oldest first. */
export function provedRotations(certificates: readonly unknown[]): Rotation[] {
  return certificates.flatMap((one) => {
    const parsed = certificateText.safeParse(one)
    return parsed.success ? lineageOf(Buffer.from(parsed.data, 'base64')) : []
  })
}

/** Whole or not at all. */
export function saveRoster(home: string, { roster, takesPart }: RosterFile): void {
  const file = rosterFile(home)
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    const rotations = [...roster.rotations.values()].map(({ certificate }) => certificate)
    const content = { version: 1, takesPart, statements: [...roster.statements.values()], rotations }
    writeFileSync(temporary, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600, flush: true })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}
