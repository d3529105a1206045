import { nearest } from '@spansync/common/config/nearest'
import { networkModes } from '@spansync/common/protocol/coordination'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { Settings } from '../store/records.ts'
import { updateSettings } from '../store/update-settings.ts'
import { action, type Context, type Runner, withStore } from './context.ts'

export const objectives: Readonly<Record<string, number>> = { cheapest: 0, balanced: 0.5, fastest: 1 }

export function addModeCommand(program: Command, runner: Runner): void {
  program
    .command('mode')
    .description('show or choose who decides when to sync: centralised (the coordinator) or decentralised (the agents)')
    .argument('[mode]', 'centralised or decentralised')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync-coordinator mode decentralised')
    .action(
      action<[string | undefined], { json?: boolean }>(runner, async (context, [wanted], { json }) => {
        const mode = wanted === undefined ? undefined : known(wanted, networkModes, 'mode')
        const settings = await change(context, (before) => (mode === undefined ? before : { ...before, mode }))
        if (json) context.printJson({ mode: settings.mode })
        else context.print(settings.mode)
      }),
    )
}

export function addObjectiveCommand(program: Command, runner: Runner): void {
  program
    .command('objective')
    .description('show or choose what plans aim for: cheapest, balanced, fastest, or a number from 0 (cheapest) to 1')
    .argument('[objective]')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync-coordinator objective cheapest')
    .action(
      action<[string | undefined], { json?: boolean }>(runner, async (context, [wanted], { json }) => {
        const objective = wanted === undefined ? undefined : parseObjective(wanted)
        const settings = await change(context, (before) =>
          objective === undefined ? before : { ...before, objective },
        )
        if (json) context.printJson({ objective: settings.objective })
        else context.print(nameOf(settings.objective))
      }),
    )
}

async function change(context: Context, edit: (before: Settings) => Settings): Promise<Settings> {
  return await withStore(context, async (store) => {
    const { settings } = await store.settings.read()
    // A mere look writes nothing.
    if (edit(settings) === settings) return settings
    return (await updateSettings({ store: store.settings, by: 'person', change: edit })).settings
  })
}

/** Throws UsageError. */
export function parseObjective(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (number >= 0 && number <= 1) return number
  return objectives[known(text, Object.keys(objectives), 'objective')] ?? 0.5
}

export function nameOf(objective: number): string {
  return Object.entries(objectives).find(([, value]) => value === objective)?.[0] ?? String(objective)
}

function known<T extends string>(text: string, all: readonly T[], what: string): T {
  const found = all.find((each) => each === text)
  if (found !== undefined) return found
  const hint = nearest(text, all)
  const guess = hint === undefined ? '' : `; did you mean \`${hint}\`?`
  throw new UsageError(`unknown ${what} \`${text}\`${guess}`, `use one of ${all.join(', ')}`)
}
