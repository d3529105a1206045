import { type Program, runProgram } from '@spansync/common/cli/command-line'
import type { Environment } from '@spansync/common/cli/shell'
import { version } from '../version.ts'
import { addAuditCommand } from './audit.ts'
import { addConflictsCommand } from './conflicts.ts'
import { addCoordinatorCommand } from './coordinator.ts'
import { addDeletionCommands } from './deletions.ts'
import { addDoctorCommand } from './doctor.ts'
import { addFolderCommand } from './folder.ts'
import { addIdCommand } from './id.ts'
import { addInitCommand } from './init.ts'
import { addInviteCommand } from './invite.ts'
import { addJoinCommand } from './join.ts'
import { addLogCommand } from './log.ts'
import { addModeCommand } from './mode.ts'
import { addPauseCommands } from './pause.ts'
import { addPeerCommand } from './peer.ts'
import { addRemoveCommand } from './remove.ts'
import { addRotateCommand } from './rotate.ts'
import { addRunCommand } from './run.ts'
import { addStatusCommand } from './status.ts'
import { addSyncCommand } from './sync.ts'
import { addVersionsCommand } from './versions.ts'
import { addWhyCommand } from './why.ts'

const firstSteps = `
Example, on two machines:
  laptop$ spansync invite ~/docs
  server$ spansync join <what that printed>
  server$ spansync folder accept docs ~/docs
The agents run in the background then; \`spansync run\` runs one in the foreground, as a service manager wants it.`

const spansync: Program = {
  name: 'spansync',
  description: 'Keeps folders the same on your own machines.',
  version,
  homeHelp: 'directory of this node (default: $SPANSYNC_HOME, else the place for configuration)',
  firstSteps,
  addCommands: (program, runner) => {
    addInitCommand(program, runner)
    addInviteCommand(program, runner)
    addJoinCommand(program, runner)
    addRemoveCommand(program, runner)
    addRotateCommand(program, runner)
    addIdCommand(program, runner)
    addFolderCommand(program, runner)
    addPeerCommand(program, runner)
    addCoordinatorCommand(program, runner)
    addRunCommand(program, runner)
    addStatusCommand(program, runner)
    addSyncCommand(program, runner)
    addWhyCommand(program, runner)
    addLogCommand(program, runner)
    addPauseCommands(program, runner)
    addModeCommand(program, runner)
    addConflictsCommand(program, runner)
    addVersionsCommand(program, runner)
    addDeletionCommands(program, runner)
    addDoctorCommand(program, runner)
    addAuditCommand(program, runner)
  },
}

/** Runs one command line (without `node` and the script) and answers the exit code. Never rejects. */
export function runCommandLine(args: readonly string[], environment: Environment): Promise<number> {
  return runProgram(spansync, args, environment)
}
