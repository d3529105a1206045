import { formatBytes, formatMs, plural, printable } from '@spansync/common/cli/format'
import type { Paint } from '@spansync/common/cli/table'
import { parseDuration } from '@spansync/common/config/units'
import { SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { FolderSyncResult, ReplicaResult, SyncResult } from '../control/api.ts'
import { action, type Context, type Runner } from './context.ts'
import { checkFolderName } from './lookup.ts'

interface SyncOptions {
  readonly wait?: boolean
  readonly timeout: string
  readonly json?: boolean
}

/** Some replica that could be reached is not equal yet. */
class NotEqualError extends SpansyncError {
  constructor(result: SyncResult) {
    const lagging = result.folders.filter((folder) => !folder.equal)
    const names = lagging.map(({ id }) => id).join(', ')
    const timedOut = lagging.some((folder) => folder.timedOut === true)
    super({
      code: 'not_equal',
      message: `not equal everywhere ${timedOut ? 'before the time ran out' : 'yet'}: ${names}`,
      remedy: timedOut ? 'give it longer with --timeout, or see `spansync status`' : 'see `spansync status`',
      retryable: true,
    })
  }
}

export function addSyncCommand(program: Command, runner: Runner): void {
  program
    .command('sync')
    .description('sync now, without waiting for the next change')
    .argument('[folder]', 'only this folder (default: all)')
    .option('--wait', 'wait until every replica that can be reached is equal; exit code 1 when that fails')
    .option('--timeout <time>', 'how long to wait, such as 90s or 10m', '60s')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync sync docs --wait --timeout 5m')
    .action(
      action<[string | undefined], SyncOptions>(runner, (context, [folder], options) => sync(context, folder, options)),
    )
}

async function sync(context: Context, folder: string | undefined, options: SyncOptions): Promise<void> {
  const timeoutMs = parseDuration(options.timeout)
  if (timeoutMs === undefined) {
    throw new UsageError(`\`${options.timeout}\` is not a time`, 'write it with a unit, such as --timeout 60s')
  }
  checkFolderName(context.home, folder)
  const wait = options.wait === true
  const request = { wait, timeoutMs, ...(folder === undefined ? {} : { folder }) }
  const result = await context.control().sync(request)
  if (options.json) context.printJson(result)
  else context.print(wait ? renderSyncResult(result, context.paint) : startedText(result))
  if (wait && result.folders.some(({ equal }) => !equal)) throw new NotEqualError(result)
}

function startedText(result: SyncResult): string {
  if (result.folders.length === 0) return 'there are no folders'
  return `syncing ${result.folders.map(({ id }) => printable(id)).join(', ')}`
}

/** Per folder whether it is equal everywhere, and which replicas lag, and why. */
export function renderSyncResult(result: SyncResult, paint: Paint): string {
  if (result.folders.length === 0) return 'there are no folders'
  return result.folders.flatMap((folder) => folderLines(folder, result.elapsedMs, paint)).join('\n')
}

function folderLines(folder: FolderSyncResult, elapsedMs: number, paint: Paint): string[] {
  const equal = folder.replicas.filter(({ state }) => state === 'equal').length
  const mark = folder.equal ? paint('green', '✓') : paint('red', '✗')
  const verdict = folder.equal ? `equal on ${plural(equal + 1, 'replica')}` : 'not equal'
  const lines = [`${mark} ${printable(folder.id)}: ${verdict} (${formatMs(elapsedMs)})`]
  if (folder.error !== undefined)
    lines.push(`  ${printable(folder.error.message)}`, `  remedy: ${printable(folder.error.remedy)}`)
  return [...lines, ...folder.replicas.filter(({ state }) => state !== 'equal').flatMap(replicaLines)]
}

function replicaLines(replica: ReplicaResult): string[] {
  const { node, state, reason, remedy, lacking } = replica
  const amount = lacking === undefined ? '' : ` by ${plural(lacking.files, 'file')} (${formatBytes(lacking.bytes)})`
  const why = reason === undefined ? '' : `: ${printable(reason)}`
  const line = `  ${printable(node)} ${state === 'behind' ? `is behind${amount}` : state}${why}`
  return remedy === undefined ? [line] : [line, `    remedy: ${printable(remedy)}`]
}
