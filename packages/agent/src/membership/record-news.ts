import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Roster, Words } from '@spansync/common/core/roster/roster'
import { formerIds, type Rotation } from '@spansync/common/core/roster/rotation'
import { standingOf } from '@spansync/common/core/roster/standing'
import type { Logger } from '@spansync/common/runtime/logger'
import { nameOfPeer } from './peers.ts'
import { nameOfLineage } from './write-down.ts'

export interface Recording {
  /** With the news in it. */
  readonly roster: Roster
  readonly config: Pick<Config, 'peers'>
  readonly self: NodeId
  readonly log: Logger
}

/** Who belongs, and no longer, for the log. */
export function recordNews({ statements, rotations }: Required<Words>, recording: Recording): void {
  const { roster, self, log } = recording
  const selves = new Set([self, ...formerIds(roster.rotations, self)])
  for (const { subject: id, name: member, state, by } of statements) {
    const event = state === 'removed' ? 'members.removed' : 'members.added'
    if (state === 'removed' && selves.has(id))
      log.error({ event: 'members.removed_here', by }, 'have a member run `spansync invite`, and join again here')
    else log.info({ event, member, id, by })
  }
  for (const one of rotations) recordRotation(one, recording)
}

function recordRotation({ subject: id, replaces }: Rotation, { roster, config, log }: Recording): void {
  const member = nameOfPeer(config, id) ?? nameOfLineage(config, roster, id)
  if (standingOf(roster, id) === 'contested')
    log.error(
      { event: 'members.contested', member, id, replaces },
      'another key claims the same place, so one was stolen, and both are shut out: run `spansync invite` here, and join on the right machine',
    )
  else log.info({ event: 'members.replaced', member, id, replaces }, 'it has a new key')
}
