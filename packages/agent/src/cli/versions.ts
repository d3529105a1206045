import { join, resolve } from 'node:path'
import { formatBytes, plural, printable } from '@spansync/common/cli/format'
import { renderTable } from '@spansync/common/cli/table'
import { SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { versionsCurrentAt } from '../versions/choose.ts'
import { type KeptVersion, versionsOf } from '../versions/list.ts'
import { type Restored, restoreInPlace, restoreTo } from '../versions/restore.ts'
import { action, type Context, type Runner } from './context.ts'
import { nothingKept, onlyPlace, placesOf, type VersionPlace } from './version-place.ts'
import { formatMoment, parseMoment } from './version-time.ts'

interface ListOptions {
  readonly folder?: string
  readonly json?: boolean
}

interface RestoreOptions extends ListOptions {
  readonly at: string
  readonly to?: string
}

class NotRestoredError extends SpansyncError {
  constructor(failed: readonly Restored[]) {
    const [first] = failed
    super({
      code: 'not_restored',
      message: `${plural(failed.length, 'file')} could not be restored, such as ${first?.to}: ${first?.problem}`,
      remedy: 'put them into another directory with --to DIR',
    })
  }
}

export function addVersionsCommand(program: Command, runner: Runner): void {
  const versions = program
    .command('versions')
    .description('list what syncs have overwritten or deleted on this machine, and bring it back')
    .argument('[path]', 'only of this file or directory: as it is within its folder, or absolute')
    .option('--folder <id>', 'only of this folder')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  spansync versions letters/dear.txt\n  spansync versions restore letters --at 2026-11-26',
    )
    .action(
      action<[string | undefined], ListOptions>(runner, (context, [path], options) =>
        listVersions(context, path, options),
      ),
    )
  versions
    .command('restore')
    .description(
      'bring back the first version of a file, or of all in a directory, that left at a time or later; what is there now is kept too',
    )
    .argument('<path>', 'file or directory: as it is within its folder, or absolute')
    .requiredOption(
      '--at <time>',
      'as `spansync versions` shows it, or any time before; such as 2026-11-26 or "2026-11-26 14:30"',
    )
    .option('--to <directory>', 'put it there instead; nothing is overwritten')
    .option('--folder <id>', 'the folder that it is in')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nOnly what syncs have replaced or deleted is kept: an edit of your own that you have edited again is not.' +
        '\n\nExample:\n  spansync versions restore letters/dear.txt --at "2026-11-26 14:30" --to /tmp',
    )
    .action(action<[string], RestoreOptions>(runner, (context, [path], options) => restore(context, path, options)))
}

async function listVersions(context: Context, path: string | undefined, options: ListOptions): Promise<void> {
  const found: (KeptVersion & { folder: string })[] = []
  for (const { folder, directory, path: within } of placesOf(context.home, path, options)) {
    for await (const version of versionsOf(directory, within)) found.push({ folder, ...version })
  }
  found.sort((left, right) => right.keptAtMs - left.keptAtMs)
  if (options.json) return context.printJson(found.map((version) => ({ ...version, at: new Date(version.keptAtMs) })))
  if (found.length === 0) return context.print('nothing has been kept')
  const columns = [
    { title: 'FOLDER' },
    { title: 'UNTIL' },
    { title: 'SIZE', align: 'right' as const },
    { title: 'WRITTEN' },
    { title: 'PATH' },
  ]
  const rows = found.map(({ folder, keptAtMs, bytes, mtimeMs, path: name }) => [
    printable(folder),
    formatMoment(keptAtMs),
    formatBytes(bytes),
    formatMoment(mtimeMs).slice(0, 16),
    printable(name),
  ])
  context.print(renderTable(columns, rows, context.paint).join('\n'))
  context.print('\nBring one back with `spansync versions restore PATH --at UNTIL`.')
}

async function restore(context: Context, path: string, options: RestoreOptions): Promise<void> {
  const atMs = parseMoment(options.at)
  if (atMs === undefined) {
    throw new UsageError(
      `\`${options.at}\` is not a time`,
      'write it as `spansync versions` shows it, such as "2026-11-26 14:30"',
    )
  }
  const place = await onlyPlace(placesOf(context.home, path, options), path)
  const chosen = [...(await versionsCurrentAt(versionsOf(place.directory, place.path), atMs)).values()]
  if (chosen.length === 0) throw unchangedSince(path, options.at)
  const restored = chosen.map((version) => restoreOne(context, { place, version, to: options.to }))
  const failed = restored.filter(({ problem }) => problem !== '')
  if (options.json) context.printJson(restored.map((one) => ({ folder: place.folder, ...one })))
  else for (const { to } of restored.filter(({ problem }) => problem === '')) context.print(`restored ${printable(to)}`)
  if (failed.length > 0) throw new NotRestoredError(failed)
}

interface Restoring {
  readonly place: VersionPlace
  readonly version: KeptVersion
  readonly to: string | undefined
}

function restoreOne(context: Context, { place, version, to }: Restoring): Restored {
  const { root, directory, path } = place
  if (to === undefined) return restoreInPlace(root, version, { directory, atMs: Date.now() })
  // With the last part of what was named, as a copy of it would have.
  const above = path.slice(0, path.lastIndexOf('/') + 1).length
  return restoreTo(join(resolve(context.cwd, to), version.path.slice(above)), version)
}

function unchangedSince(path: string, at: string): SpansyncError {
  const { remedy } = nothingKept(path)
  return new SpansyncError({ code: 'no_versions', message: `nothing of ${path} has been replaced since ${at}`, remedy })
}
