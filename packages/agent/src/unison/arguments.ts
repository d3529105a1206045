import { delimiter } from 'node:path'
import { backupSuffix } from '../versions/unison-backups.ts'
import type { NamesRun, PlannedRun } from './plan-runs.ts'

/** Who decides where two replicas differ: Unison, which leaves conflicts alone, or the caller, who names the winner. */
export type Way =
  | { readonly kind: 'plain'; readonly bulk: boolean }
  | { readonly kind: 'force'; readonly winner: Side; readonly bulk?: boolean }
export type Side = 'local' | 'remote'

/** Part of a pair's archive: another value on a live pair makes false conflicts, so these stay as they were when it was made. */
export interface PairPreferences {
  readonly ignoreCase: boolean
}

export interface ClientSettings {
  readonly localRoot: string
  /** As `remoteRootOf` gives it. */
  readonly remoteRoot: string
  /** Ready for `-ignore`, such as `Regex a/.*` or `Name *.tmp`. */
  readonly ignore: readonly string[]
  readonly preferences?: PairPreferences | undefined
  /** Keep overwritten and deleted versions, each host in its own UNISONBACKUPDIR. */
  readonly backup: boolean
  /** Where deletions are somebody else's work: nothing that appeared since the decision is deleted along with a directory. */
  readonly noDeletion?: boolean | undefined
  /** For a long-lived run, whose start looks at everything with nobody deciding: it cannot bring back what was deleted. */
  readonly noCreation?: boolean | undefined
}

export interface RunSettings extends ClientSettings {
  readonly way: Way
  readonly run: PlannedRun
  /** Read contents instead of trusting sizes and times. */
  readonly rescan?: boolean | undefined
  /** Only while the caller holds the pair's mutex at both ends. */
  readonly ignoreLocks?: boolean | undefined
  /** Start anew with this pair: what the archives said is forgotten at both ends. */
  readonly ignoreArchives?: boolean | undefined
}

/** An empty path: the server starts in HOME and takes that for the root, so the client never names a directory of the other host. */
export function remoteRootOf(socketPath: string): string {
  return `socket://{${socketPath}}/`
}

/** argv of a run that ends by itself. */
export function oneShotArguments(settings: RunSettings): string[] {
  const { localRoot, remoteRoot, way, run, rescan, ignoreLocks, ignoreArchives } = settings
  const force = way.kind === 'force' ? ['-force', way.winner === 'local' ? localRoot : remoteRoot] : []
  return [
    ...common(settings),
    '-silent',
    ...force,
    ...(way.bulk ? bulkArguments : []),
    ...(rescan ? ['-fastcheck', 'false'] : []),
    ...(ignoreLocks ? ['-ignorelocks'] : []),
    ...(ignoreArchives ? ['-ignorearchives'] : []),
    ...('names' in run ? namedArguments(run) : pathArguments(run.paths)),
  ]
}

/** For many small files. Of 1,000 files under way at a time, as Unison has it else, the collector makes a tenth of its CPU time more;
 *  200 still fill a link: at 50 ms they are 4,000 files a second, more than a machine's core can do. */
const bulkArguments: readonly string[] = ['-xferbycopying=false', '-rsync=false', '-maxthreads', '200']

/** argv of the long-lived run. Without `-silent` and `-terse`: what it prints tells when a cycle ended. */
export function persistentArguments(settings: ClientSettings & { readonly scope: readonly string[] }): string[] {
  const { localRoot, remoteRoot, noCreation } = settings
  const onlyUpdates = noCreation ? ['-nocreation', localRoot, '-nocreation', remoteRoot] : []
  return [...common(settings), ...onlyUpdates, '-repeat', 'watch', ...pathArguments(settings.scope)]
}

/** argv of the serving side. */
export const serverArguments: readonly string[] = ['-server', '__new-rpc-mode']

function common({ localRoot, remoteRoot, ignore, preferences, backup, noDeletion }: ClientSettings): string[] {
  return [
    ...[localRoot, remoteRoot, '-ui', 'text', '-batch', '-auto', '-dumbtty', '-color', 'false'],
    ...['-log=false', '-contactquietly', '-confirmbigdel=false'],
    // Without modification times a copy looks newer than its original, and every peer would hash it again.
    '-times',
    ...(noDeletion ? ['-nodeletion', localRoot, '-nodeletion', remoteRoot] : []),
    // Missing on one side means an unmounted disk: Unison stops (exit 3) and deletes nothing.
    ...['-mountpoint', '.spansync'],
    ...['-perms', '0o1777', '-ignorecase', String(preferences?.ignoreCase ?? false)],
    ...(backup ? backupArguments : []),
    ...ignore.flatMap((pattern) => ['-ignore', pattern]),
  ]
}

/** The latest backup of a file has its own name, which is as long as that may be; earlier ones, which there are only after a crash, must
 *  be told from files that are really called so. Of those only two would be kept else. `Name *` leaves out names that begin with a
 *  point. */
const backupArguments: readonly string[] = [
  ...['-backup', 'Regex .*', '-backuploc', 'central'],
  ...['-backupprefix', '', '-backupsuffix', backupSuffix, '-maxbackups', '100'],
]

function pathArguments(paths: readonly string[]): string[] {
  return paths.flatMap((path) => ['-path', path])
}

/** Everything in the directory is ignored but these names. (The directory's own permissions take part.) */
function namedArguments({ directory, names }: NamesRun): string[] {
  const literal = directory === '' ? '' : `${escapeRegex(directory)}/`
  const wanted = names.flatMap((name) => ['-ignorenot', `Regex ${literal}${escapeRegex(name)}`])
  return ['-path', directory, '-ignore', `Regex ${literal}.+`, ...wanted]
}

/** For Unison's own regular expressions (POSIX extended, anchored at both ends; a point also stands for a newline). */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')
}

export interface EnvironmentSettings {
  readonly nodeId: string
  /** Of this pair alone. */
  readonly unisonDir: string
  /** The serving side: its root. The client: anything that exists. */
  readonly home: string
  readonly backupDir?: string | undefined
  /** Where our stand-in for the file monitor lies; found before any other. */
  readonly monitorDir?: string | undefined
  readonly bulk?: boolean | undefined
  readonly searchPath?: string | undefined
}

/** The whole environment of a Unison process: nothing else is passed on. */
export function unisonEnvironment(settings: EnvironmentSettings): Record<string, string> {
  const { nodeId, unisonDir, home, backupDir, monitorDir, bulk, searchPath = '/usr/local/bin:/usr/bin:/bin' } = settings
  return {
    PATH: monitorDir === undefined ? searchPath : `${monitorDir}${delimiter}${searchPath}`,
    HOME: home,
    UNISON: unisonDir,
    // The archive's name is made of it: it must never change.
    UNISONLOCALHOSTNAME: nodeId,
    LC_ALL: 'C',
    // Read by each host for itself, unlike -backupdir, which the client would impose on both.
    ...(backupDir === undefined ? {} : { UNISONBACKUPDIR: backupDir }),
    // Big heaps: the collector takes half of the time with 100,000 files (8 MB of memory more).
    ...(bulk ? { OCAMLRUNPARAM: 's=1M,o=200' } : {}),
  }
}
