import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import { nearest } from '@spansync/common/config/nearest'
import { modes } from '@spansync/common/protocol/status'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { NotRunningError } from '../control/errors.ts'
import { action, announceChange, type Context, type Runner, warnWhenNobodyDecides } from './context.ts'

export function addModeCommand(program: Command, runner: Runner): void {
  program
    .command('mode')
    .description('show or choose who decides when to sync: auto, centralised or decentralised')
    .argument(
      '[mode]',
      'auto: the coordinator while it is there; centralised: only the coordinator; decentralised: never',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync mode decentralised')
    .action(
      action<[string | undefined], { json?: boolean }>(runner, async (context, [wanted], { json }) => {
        if (wanted !== undefined) await choose(context, wanted)
        await show(context, json === true)
        warnWhenNobodyDecides(context)
      }),
    )
}

async function choose(context: Context, wanted: string): Promise<void> {
  const mode = modes.find((each) => each === wanted)
  if (mode === undefined) {
    const hint = nearest(wanted, modes)
    const guess = hint === undefined ? '' : `; did you mean \`${hint}\`?`
    throw new UsageError(`unknown mode \`${wanted}\`${guess}`, `use one of ${modes.join(', ')}`)
  }
  await editConfig(context.home, (editor) => editor.set(['mode'], mode))
  await announceChange(context)
}

async function show(context: Context, json: boolean): Promise<void> {
  const configured = loadConfig(context.home).mode
  const effective = await effectiveMode(context)
  if (json) return context.printJson({ configured, ...(effective === undefined ? {} : { effective }) })
  context.print(effective === undefined || effective === configured ? configured : `${configured} (now ${effective})`)
}

/** Undefined while no daemon runs. */
async function effectiveMode(context: Context): Promise<string | undefined> {
  try {
    return (await context.control().status()).mode.effective
  } catch (error) {
    if (error instanceof NotRunningError) return undefined
    throw error
  }
}
