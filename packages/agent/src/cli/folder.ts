import { printable } from '@spansync/common/cli/format'
import { type Paint, renderTable } from '@spansync/common/cli/table'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import type { FolderConfig } from '@spansync/common/config/schema'
import type { Command } from 'commander'
import { action, announceChange, type Context, collect, type Runner } from './context.ts'
import { addApprove } from './deletions.ts'
import { acceptFolder } from './folder-accept.ts'
import { addFolder, type FolderOptions } from './folder-add.ts'
import { unknownName } from './lookup.ts'

export function addFolderCommand(program: Command, runner: Runner): void {
  const folder = program.command('folder').description('add, accept, list, remove or approve folders')
  addAdd(folder, runner)
  folder
    .command('list')
    .description('list the folders')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync folder list')
    .action(
      action<[], { json?: boolean }>(runner, (context, _args, { json }) => {
        const folders = Object.entries(loadConfig(context.home).folders).map(([id, folder]) => ({ id, ...folder }))
        if (json) context.printJson(folders)
        else context.print(renderFolders(folders, context.paint))
      }),
    )
  folder
    .command('remove')
    .description('stop syncing a folder on this machine; its files stay')
    .argument('<id>', 'id of the folder')
    .addHelpText('after', '\nExample:\n  spansync folder remove docs')
    .action(action<[string], object>(runner, (context, [id]) => removeFolder(context, id)))
  folder
    .command('accept')
    .description('take a folder that a peer offers; the directory is made when it is not there')
    .argument('<id>', 'id of the folder')
    .argument('<path>', 'where it shall be on this machine')
    .addHelpText('after', '\nExample:\n  spansync folder accept docs ~/docs')
    .action(action<[string, string], object>(runner, (context, [id, path]) => acceptFolder(context, { id, path })))
  addApprove(folder, runner, 'spansync folder approve')
}

function addAdd(folder: Command, runner: Runner): void {
  folder
    .command('add')
    .description('sync a directory; it is made when it is not there')
    .argument('<id>', 'id of the folder: the same on every machine that shares it')
    .argument('<path>', 'where it is on this machine')
    .option('--with <node>', 'share it with this peer only; may be repeated (default: every peer)', collect)
    .option('--ignore <pattern>', 'leave out what matches; may be repeated', collect)
    .addHelpText(
      'after',
      "\nExamples:\n  spansync folder add docs ~/docs\n  spansync folder add work . --with server --ignore '*.iso'",
    )
    .action(
      action<[string, string], FolderOptions>(runner, async (context, [id, path], options) => {
        const { root, again } = await addFolder(context, { id, path, options })
        await announceChange(context)
        if (again) return context.print(`folder ${id} was there already: ${printable(root)}; its marker is in place`)
        const peers = options.with === undefined ? 'every peer' : options.with.join(', ')
        context.print(`folder ${id} added: ${printable(root)}, shared with ${peers}`)
      }),
    )
}

function renderFolders(folders: readonly (FolderConfig & { readonly id: string })[], paint: Paint): string {
  if (folders.length === 0) return 'no folders yet; add one with `spansync folder add ID PATH`'
  const columns = [{ title: 'FOLDER' }, { title: 'PATH' }, { title: 'SHARED WITH' }, { title: 'IGNORED' }]
  const rows = folders.map((folder) => [
    folder.id,
    printable(folder.path),
    folder.with === undefined ? 'every peer' : folder.with.join(', ') || 'nobody',
    printable([...folder.ignore, ...(folder.ignoreDefaults ? ['temporary files'] : [])].join(', ')),
  ])
  return renderTable(columns, rows, paint).join('\n')
}

async function removeFolder(context: Context, id: string): Promise<void> {
  await editConfig(context.home, (editor) => {
    if (!editor.remove(['folders', id])) throw unknownName.folder(id, Object.keys(editor.config.folders))
  })
  await announceChange(context)
  context.print(`folder ${id} removed; its files stay where they are`)
}
