import { resolve } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import { resolveHome } from '@spansync/common/config/home'
import { exitCodes, SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { type ControlClient, connectControl } from '../control/client.ts'
import { NotRunningError } from '../control/errors.ts'
import { printable } from './format.ts'
import { type Paint, painter } from './table.ts'

/** What the process gives to the command line. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** What every command gets. */
export interface Context extends Environment {
  readonly home: string
  /** For standard output. */
  readonly paint: Paint
  readonly print: (text: string) => void
  readonly printJson: (value: unknown) => void
  readonly control: () => ControlClient
  /** Sets the exit code without an error being thrown. */
  readonly exit: (code: number) => void
}

export interface Runner {
  readonly environment: Environment
  exitCode: number
}

/** Turns a function into an action of commander: `(context, arguments, options)`. */
export function action<A extends readonly unknown[], O>(
  runner: Runner,
  run: (context: Context, args: A, options: O) => Promise<void> | void,
) {
  return async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command
    const options = command.optsWithGlobals() as O & { home?: string }
    await run(contextOf(runner, options.home), all.slice(0, -2) as unknown as A, options)
  }
}

function contextOf(runner: Runner, homeOption: string | undefined): Context {
  const { environment } = runner
  const { env, cwd, stdout } = environment
  const home = homeOption === undefined ? resolveHome({ env, platform: process.platform }) : resolve(cwd, homeOption)
  return {
    ...environment,
    home,
    paint: painter(wantsColor(stdout, env)),
    print: (text) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    control: () => connectControl(home),
    exit: (code) => {
      runner.exitCode = code
    },
  }
}

/** https://no-color.org: any value but the empty one switches colours off. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: Environment['env']): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

/** The two lines on standard error that every failure gives; SPANSYNC_DEBUG adds where it came from. */
export function reportError(environment: Environment, error: SpansyncError): void {
  const paint = painter(wantsColor(environment.stderr, environment.env))
  const cause = error.message.split('\n').map(printable).join('\n')
  environment.stderr.write(
    `${paint('red', 'error:')} ${cause}\n${paint('cyan', 'remedy:')} ${printable(error.remedy)}\n`,
  )
  if (!environment.env.SPANSYNC_DEBUG) return
  for (let each: unknown = error; each instanceof Error; each = each.cause) environment.stderr.write(`${each.stack}\n`)
}

/** A running daemon takes an edit of config.yaml over by itself; asking it makes sure that it has when the command ends. */
export async function announceChange(context: Context): Promise<void> {
  try {
    await context.control().reload()
  } catch (error) {
    if (error instanceof NotRunningError) return
    const problem = error instanceof SpansyncError ? error : undefined
    context.stderr.write(`warning: saved, but the running agent has not taken it over yet`)
    context.stderr.write(
      problem === undefined ? '\n' : `: ${printable(problem.message)}\nremedy: ${printable(problem.remedy)}\n`,
    )
  }
}

/** The mode says that only a coordinator decides, and there is none: everything stands still, without an error anywhere. */
export function warnWhenNobodyDecides({ home, stderr }: Context): void {
  const { mode, coordinator } = loadConfig(home)
  if (mode !== 'centralised' || coordinator !== undefined) return
  stderr.write('warning: no coordinator is set: nothing syncs until there is one\n')
  stderr.write('remedy: set it with `spansync coordinator set URL`, or do without: `spansync mode auto`\n')
}

export { exitCodes }
