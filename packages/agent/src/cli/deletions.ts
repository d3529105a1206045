import { plural, printable } from '@spansync/common/cli/format'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { RevertResult } from '../control/api.ts'
import { action, type Context, type Runner } from './context.ts'
import { checkFolderName } from './lookup.ts'

/** Some of what vanished here could not be brought back. */
class MissingError extends SpansyncError {
  constructor(folder: string, { missing, reason }: RevertResult) {
    super({
      code: 'not_brought_back',
      message: `${plural(missing, 'file')} did not come back: ${reason}`,
      remedy: `run \`spansync revert ${folder}\` again when a machine that has them is connected; until then they wait`,
      retryable: true,
    })
  }
}

interface AnswerOptions {
  readonly json?: boolean
}

export function addDeletionCommands(program: Command, runner: Runner): void {
  addApprove(program, runner, 'spansync approve')
  program
    .command('revert')
    .description('undo deletions that wait: what peers deleted stays everywhere, what vanished here comes back')
    .argument('<folder>', 'id of the folder')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync revert docs')
    .action(action<[string], AnswerOptions>(runner, (context, [id], { json }) => revert(context, id, json === true)))
}

export function addApprove(parent: Command, runner: Runner, example: string): void {
  parent
    .command('approve')
    .description('let deletions go on that wait because they are too many at once')
    .argument('<folder>', 'id of the folder')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  ${example} docs`)
    .action(action<[string], AnswerOptions>(runner, (context, [id], { json }) => approve(context, id, json === true)))
}

async function approve(context: Context, folder: string, json: boolean): Promise<void> {
  checkFolderName(context.home, folder)
  const result = await context.control().approve(folder)
  if (json) return context.printJson(result)
  const { here, peers } = result
  if (here + peers === 0) return context.print(`nothing waits in folder ${printable(folder)}`)
  context.print(`folder ${printable(folder)} goes on: ${plural(here + peers, 'deletion')} approved`)
}

async function revert(context: Context, folder: string, json: boolean): Promise<void> {
  checkFolderName(context.home, folder)
  const result = await context.control().revert(folder)
  const { kept, back, missing } = result
  if (json) context.printJson(result)
  else if (kept + back + missing === 0) context.print(`nothing waits in folder ${printable(folder)}`)
  else context.print(`folder ${printable(folder)}: ${plural(kept, 'file')} kept, ${plural(back, 'file')} brought back`)
  if (missing > 0) throw new MissingError(folder, result)
}
