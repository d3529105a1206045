import { type SpansyncError, toSpansyncError, UsageError } from '@spansync/common/runtime/errors'
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addConflictsCommand } from './conflicts.ts'
import { type Environment, exitCodes, type Runner, reportError } from './context.ts'
import { addCoordinatorCommand } from './coordinator.ts'
import { addDoctorCommand } from './doctor.ts'
import { addFolderCommand } from './folder.ts'
import { addIdCommand } from './id.ts'
import { addInitCommand } from './init.ts'
import { addModeCommand } from './mode.ts'
import { addPeerCommand } from './peer.ts'
import { addRunCommand } from './run.ts'
import { addStatusCommand } from './status.ts'
import { addSyncCommand } from './sync.ts'

/** Runs one command line (without `node` and the script) and answers the exit code. Never rejects. */
export async function runCommandLine(args: readonly string[], environment: Environment): Promise<number> {
  const runner: Runner = { environment, exitCode: exitCodes.ok }
  const help: Spoken = { text: '' }
  const program = buildProgram(runner, help)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return runner.exitCode
  } catch (thrown) {
    const error = asError(thrown, commandPath(program, args))
    if (error === undefined) return exitCodes.ok
    if (help.text !== '') environment.stderr.write(`${help.text}\n`)
    reportError(environment, error)
    return error.exitCode
  }
}

function buildProgram(runner: Runner, help: Spoken): Command {
  const { stdout } = runner.environment
  const program = new Command('spansync')
    .description('Keeps folders the same on your own machines.')
    .version(version, '-V, --version')
    .option('--home <dir>', 'directory of this node (default: $SPANSYNC_HOME, else the place for configuration)')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ helpWidth: 100 })
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', firstSteps)
    .exitOverride()
    // What commander finds wrong is thrown too, and reported in one place.
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => {
        help.text += text
      },
      outputError: () => {},
    })
  addInitCommand(program, runner)
  addIdCommand(program, runner)
  addFolderCommand(program, runner)
  addPeerCommand(program, runner)
  addCoordinatorCommand(program, runner)
  addRunCommand(program, runner)
  addStatusCommand(program, runner)
  addSyncCommand(program, runner)
  addModeCommand(program, runner)
  addConflictsCommand(program, runner)
  addDoctorCommand(program, runner)
  return program
}

const firstSteps = `
Example, on two machines:
  laptop$ spansync init --name laptop && spansync id
  server$ spansync init --name server && spansync id
  laptop$ spansync peer add server server.lan:22070 --id <what server's id printed>
  server$ spansync peer add laptop --id <what laptop's id printed>
  both$   spansync folder add docs ~/docs
  both$   spansync run`

interface Spoken {
  /** What commander wanted to print on standard error: its help, when no command was given. */
  text: string
}

/** Undefined: only help or the version was asked for. */
function asError(thrown: unknown, where: string): SpansyncError | undefined {
  if (!(thrown instanceof CommanderError)) return toSpansyncError(thrown)
  if (thrown.exitCode === 0) return undefined
  const remedy = `see \`${where} --help\``
  if (thrown.code === 'commander.help') return new UsageError('no command given', remedy)
  const cause = thrown.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/, '; did you mean `$1`?')
  return new UsageError(cause, remedy)
}

/** The command that the arguments name, as far as they do: `spansync peer add`. */
function commandPath(program: Command, args: readonly string[]): string {
  const names = [program.name()]
  let command: Command | undefined = program
  for (const arg of args) {
    command = command.commands.find((each) => each.name() === arg)
    if (command === undefined) break
    names.push(arg)
  }
  return names.join(' ')
}
