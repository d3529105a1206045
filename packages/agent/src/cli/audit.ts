import { formatBytes, formatMs, plural, printable } from '@spansync/common/cli/format'
import type { Paint } from '@spansync/common/cli/table'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { AuditResult, FolderAudit } from '../control/api.ts'
import { action, type Runner } from './context.ts'
import { checkFolderName } from './lookup.ts'

class DamageFoundError extends SpansyncError {
  constructor(isFixing: boolean) {
    super({
      code: 'damage_found',
      message: 'there is damage',
      remedy: isFixing
        ? 'look whether a copy exists elsewhere, and look at the disk of this machine'
        : 'heal it with --fix: the right content comes from another machine, and what is there now is kept as a copy',
    })
  }
}

export function addAuditCommand(program: Command, runner: Runner): void {
  program
    .command('audit')
    .description(
      'read every file anew and compare it with the index and with the peers; exit code 1 when there is damage',
    )
    .argument('[folder]', 'only this folder (default: all)')
    .option('--fix', 'fetch damaged files again from a peer; what was there is kept as a copy')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync audit docs --fix')
    .action(
      action<[string | undefined], { fix?: boolean; json?: boolean }>(runner, async (context, [folder], options) => {
        checkFolderName(context.home, folder)
        const fix = options.fix === true
        const result = await context.control().audit({ fix, ...(folder === undefined ? {} : { folder }) })
        if (options.json) context.printJson(result)
        else context.print(renderAudit(result, context.paint))
        if (isDamaged(result, fix)) throw new DamageFoundError(fix)
      }),
    )
}

/** What is being healed counts as cured. */
function isDamaged({ folders }: AuditResult, fix: boolean): boolean {
  return folders.some(({ damaged, peers, error }) => {
    if (error !== undefined) return true
    return (
      damaged.some(({ state }) => state !== 'healing' && state !== 'waiting') ||
      (!fix && peers.some(({ state }) => state === 'differs'))
    )
  })
}

const states = {
  found: 'its content has changed on the disk, and nobody has written to it',
  healing: 'was damaged; it is fetched again, and what was there is kept as a copy',
  waiting: 'was damaged; it is fetched again as soon as a machine that has it is back',
  unhealable: 'is damaged, and no machine is known to have the right content',
}

export function renderAudit({ folders, elapsedMs }: AuditResult, paint: Paint): string {
  if (folders.length === 0) return 'there are no folders'
  return folders.flatMap((folder) => folderLines(folder, elapsedMs, paint)).join('\n')
}

function folderLines(folder: FolderAudit, elapsedMs: number, paint: Paint): string[] {
  const { id, files, bytes, damaged, peers, error } = folder
  if (error !== undefined) return [`${paint('red', '✗')} ${printable(id)}: ${printable(error.message)}`]
  const isGood = damaged.length === 0 && peers.every(({ state }) => state !== 'differs')
  const mark = isGood ? paint('green', '✓') : paint('red', '✗')
  const size = `${plural(files, 'file')}, ${formatBytes(bytes)}, ${formatMs(elapsedMs)}`
  return [
    `${mark} ${printable(id)}: ${damaged.length === 0 ? 'as the index says' : `${damaged.length} damaged`} (${size})`,
    ...damaged.map(({ path, state }) => `  ${printable(path)} ${states[state]}`),
    ...peers.flatMap(peerLines),
  ]
}

function peerLines({ node, state, paths }: FolderAudit['peers'][number]): string[] {
  if (state === 'busy') return [`  ${printable(node)} is not in step yet, and was not compared`]
  if (state === 'equal') return [`  ${printable(node)} says that it holds the same`]
  return paths.map((path) => `  ${printable(path)} has the same version on ${printable(node)}, and another content`)
}
