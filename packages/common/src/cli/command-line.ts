import { Command, CommanderError } from 'commander'
import { exitCodes, type SpansyncError, toSpansyncError, UsageError } from '../runtime/errors.ts'
import { type Environment, type Runner, reportError } from './shell.ts'

export interface Program {
  readonly name: string
  readonly description: string
  readonly version: string
  /** Says which directory `--home` names. */
  readonly homeHelp: string
  /** Under the help: how to begin. */
  readonly firstSteps: string
  readonly addCommands: (program: Command, runner: Runner) => void
}

/** Runs one command line (without `node` and the script) and answers the exit code. Never rejects. */
export async function runProgram(program: Program, args: readonly string[], environment: Environment): Promise<number> {
  const runner: Runner = { environment, exitCode: exitCodes.ok }
  const help: Spoken = { text: '' }
  const command = build(program, runner, help)
  try {
    await command.parseAsync([...args], { from: 'user' })
    return runner.exitCode
  } catch (thrown) {
    const error = asError(thrown, commandPath(command, args))
    if (error === undefined) return exitCodes.ok
    if (help.text !== '') environment.stderr.write(`${help.text}\n`)
    reportError(environment, error)
    return error.exitCode
  }
}

function build(
  { name, description, version, homeHelp, firstSteps, addCommands }: Program,
  runner: Runner,
  help: Spoken,
): Command {
  const { stdout } = runner.environment
  const command = new Command(name)
    .description(description)
    .version(version, '-V, --version')
    .option('--home <dir>', homeHelp)
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
  addCommands(command, runner)
  return command
}

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
