import { formatTime, printable } from '@spansync/common/cli/format'
import { editConfig } from '@spansync/common/config/edit'
import { parseDuration } from '@spansync/common/config/units'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { action, announceChange, type Context, type Runner } from './context.ts'
import { checkFolderName } from './lookup.ts'

interface PauseOptions {
  readonly for?: string
}

export function addPauseCommands(program: Command, runner: Runner): void {
  program
    .command('pause')
    .description('let nothing of a folder pass, either way, until it is resumed')
    .argument('[folder]', 'id of the folder (default: all)')
    .option('--for <time>', 'go on by itself after this time, such as 30m or 8h')
    .addHelpText('after', '\nExample:\n  spansync pause films --for 8h')
    .action(
      action<[string | undefined], PauseOptions>(runner, (context, [folder], options) =>
        pause(context, folder, options),
      ),
    )
  program
    .command('resume')
    .description('let a folder pass again that was paused')
    .argument('[folder]', 'id of the folder (default: all)')
    .addHelpText('after', '\nExample:\n  spansync resume films')
    .action(action<[string | undefined], object>(runner, (context, [folder]) => resume(context, folder)))
}

async function pause(context: Context, folder: string | undefined, options: PauseOptions): Promise<void> {
  checkFolderName(context.home, folder)
  const untilMs = options.for === undefined ? undefined : Date.now() + durationOf(options.for)
  const paused = untilMs === undefined ? true : new Date(untilMs).toISOString()
  await editConfig(context.home, (editor) => editor.set(keyOf(folder), paused))
  await announceChange(context)
  const until = untilMs === undefined ? '' : ` until ${formatTime(untilMs)}`
  context.print(`${nameOf(folder)} paused${until}`)
}

/** What all folders were told does not count for one that is told otherwise: so a single folder can be let go on. */
async function resume(context: Context, folder: string | undefined): Promise<void> {
  checkFolderName(context.home, folder)
  const wasPaused = await editConfig(context.home, (editor) => {
    const wasPaused = editor.remove(keyOf(folder))
    const all = editor.config.policy?.settings.paused
    if (folder === undefined || all === undefined || all === false) return wasPaused
    editor.set(keyOf(folder), false)
    return true
  })
  await announceChange(context)
  context.print(`${nameOf(folder)} ${wasPaused ? 'resumed' : 'was not paused'}`)
}

function keyOf(folder: string | undefined): string[] {
  return folder === undefined ? ['policy', 'paused'] : ['folders', folder, 'policy', 'paused']
}

function nameOf(folder: string | undefined): string {
  return folder === undefined ? 'everything' : `folder ${printable(folder)}`
}

function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new UsageError(`\`${text}\` is not a time`, 'write it with a unit, such as --for 8h')
}
