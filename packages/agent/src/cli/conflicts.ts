import { formatBytes, formatTime, printable } from '@spansync/common/cli/format'
import { renderTable } from '@spansync/common/cli/table'
import type { Command } from 'commander'
import { action, type Context, type Runner } from './context.ts'
import { checkFolderName } from './lookup.ts'

export function addConflictsCommand(program: Command, runner: Runner): void {
  program
    .command('conflicts')
    .description('list the conflict copies: what was kept when two machines had changed one file')
    .argument('[folder]', 'only of this folder')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync conflicts docs')
    .action(
      action<[string | undefined], { json?: boolean }>(runner, (context, [folder], { json }) =>
        listConflicts(context, folder, json === true),
      ),
    )
}

async function listConflicts(context: Context, folder: string | undefined, json: boolean): Promise<void> {
  checkFolderName(context.home, folder)
  const conflicts = await context.control().conflicts(folder)
  if (json) return context.printJson(conflicts)
  if (conflicts.length === 0) return context.print('no conflict copies')
  const columns = [
    { title: 'FOLDER' },
    { title: 'CHANGED' },
    { title: 'SIZE', align: 'right' as const },
    { title: 'CONFLICT COPY' },
  ]
  const rows = conflicts.map((copy) => [
    printable(copy.folder),
    formatTime(copy.mtimeMs),
    formatBytes(copy.bytes),
    printable(copy.path),
  ])
  context.print(renderTable(columns, rows, context.paint).join('\n'))
  context.print(
    '\nCompare each copy with the file it was made from, keep what you want, and delete or rename the copy.',
  )
}
