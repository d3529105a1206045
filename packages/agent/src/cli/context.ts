import { printable } from '@spansync/common/cli/format'
import { type BaseContext, exitCodes, makeAction, type Runner } from '@spansync/common/cli/shell'
import { loadConfig } from '@spansync/common/config/file'
import { resolveHome } from '@spansync/common/config/home'
import { SpansyncError } from '@spansync/common/runtime/errors'
import { type ControlClient, connectControl } from '../control/client.ts'
import { NotRunningError } from '../control/errors.ts'

/** What every command gets. */
export interface Context extends BaseContext {
  readonly control: () => ControlClient
}

/** Turns a function into an action of commander: `(context, arguments, options)`. */
export const action = makeAction(
  (env) => resolveHome({ env, platform: process.platform }),
  (base): Context => ({ ...base, control: () => connectControl(base.home) }),
)

/** For an option that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): string[] => [...all, value]

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

export { exitCodes, type Runner }
