import { resolve } from 'node:path'
import type { Command } from 'commander'
import { exitCodes, type SpansyncError } from '../runtime/errors.ts'
import { printable } from './format.ts'
import { type Paint, painter } from './table.ts'

/** What the process gives to the command line. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** What every command of every program gets. */
export interface BaseContext extends Environment {
  /** The directory that holds everything of this program. */
  readonly home: string
  /** For standard output. */
  readonly paint: Paint
  readonly print: (text: string) => void
  readonly printJson: (value: unknown) => void
  /** Sets the exit code without an error being thrown. */
  readonly exit: (code: number) => void
}

export interface Runner {
  readonly environment: Environment
  exitCode: number
}

export type Action<C> = <A extends readonly unknown[], O>(
  runner: Runner,
  run: (context: C, args: A, options: O) => Promise<void> | void,
) => (...all: unknown[]) => Promise<void>

/** Makes a program's `action`, which turns a function of `(context, arguments, options)` into one for commander. The option `--home`
 *  names the home; without it `homeOf` does. */
export function makeAction<C>(
  homeOf: (env: Environment['env']) => string,
  contextOf: (base: BaseContext) => C,
): Action<C> {
  return <A extends readonly unknown[], O>(
    runner: Runner,
    run: (context: C, args: A, options: O) => Promise<void> | void,
  ) =>
    async (...all: unknown[]): Promise<void> => {
      const command = all.at(-1) as Command
      const options = command.optsWithGlobals() as O & { home?: string }
      const { env, cwd } = runner.environment
      const home = options.home === undefined ? homeOf(env) : resolve(cwd, options.home)
      await run(contextOf(baseContext(runner, home)), all.slice(0, -2) as unknown as A, options)
    }
}

function baseContext(runner: Runner, home: string): BaseContext {
  const { environment } = runner
  const { env, stdout } = environment
  return {
    ...environment,
    home,
    paint: painter(wantsColor(stdout, env)),
    print: (text) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
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

export { exitCodes }
