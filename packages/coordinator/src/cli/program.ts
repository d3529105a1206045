import { type Program, runProgram } from '@spansync/common/cli/command-line'
import type { Environment } from '@spansync/common/cli/shell'
import { version } from '../version.ts'
import { addInitCommand } from './init.ts'
import { addNatsConfigCommand } from './nats-config.ts'
import { addNodesCommand } from './nodes.ts'
import { addEstimateCommand, addPlanCommand } from './plan.ts'
import { addRunCommand } from './run.ts'
import { addModeCommand, addObjectiveCommand } from './settings.ts'
import { addStatusCommand } from './status.ts'

const firstSteps = `
Example, on the machine that coordinates and on one that takes part:
  server$ spansync-coordinator init --host server.lan
  server$ spansync-coordinator run
  server$ spansync-coordinator nodes add laptop --id <what spansync id printed on the laptop>
  laptop$ spansync coordinator set tls://server.lan:22071 --creds laptop.creds
  server$ spansync-coordinator plan`

const coordinator: Program = {
  name: 'spansync-coordinator',
  description: 'Plans who syncs with whom across a Spansync network.',
  version,
  homeHelp: 'directory of this coordinator (default: $SPANSYNC_COORDINATOR_HOME, else the place for configuration)',
  firstSteps,
  addCommands: (program, runner) => {
    addInitCommand(program, runner)
    addRunCommand(program, runner)
    addNodesCommand(program, runner)
    addPlanCommand(program, runner)
    addStatusCommand(program, runner)
    addModeCommand(program, runner)
    addObjectiveCommand(program, runner)
    addEstimateCommand(program, runner)
    addNatsConfigCommand(program, runner)
  },
}

/** Runs one command line (without `node` and the script) and answers the exit code. Never rejects. */
export function runCommandLine(args: readonly string[], environment: Environment): Promise<number> {
  return runProgram(coordinator, args, environment)
}
