import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What one Unison process is asked to do. */
export type PlannedRun = { readonly paths: readonly string[] } | NamesRun
export interface NamesRun {
  /** '' is the root. */
  readonly directory: string
  readonly names: readonly string[]
}

/** The paths that a run is about. */
export function pathsOf(run: PlannedRun): readonly string[] {
  if ('paths' in run) return run.paths
  return run.names.map((name) => (run.directory === '' ? name : `${run.directory}/${name}`))
}

export interface PlanOptions {
  /** The system limits a command line (macOS: 1 MiB with the environment). */
  readonly maxBytes?: number
  /** How many entries a directory has; only asked for directories of which many names are wanted. */
  readonly entriesIn?: ReadonlyMap<string, number>
  /** Directories that come with all that is in them: by name, what is in them would be left out. */
  readonly wholes?: ReadonlySet<string> | undefined
}

/** Names wanted of one directory before it is worth looking how wide that is. */
const many = 50
/** Unison reads the whole directory again for each `-path` in it: 1,000 of 10,000 took 75 s, and 2.6 s as names. */
const tooManyLooks = 100_000

/** Splits paths into runs that fit on a command line. A file named `*` goes alone: as `-path` it would stand for all its neighbours.
 *  Many names of a wide directory go together. Otherwise order is kept; no paths, no runs. */
export function planRuns(paths: readonly string[], options: PlanOptions = {}): PlannedRun[] {
  const { maxBytes = 128 * 1024, entriesIn = new Map<string, number>(), wholes } = options
  const wide = new Set(
    [...crowds(paths.filter((path) => !wholes?.has(path)))]
      .filter(([directory, count]) => count * (entriesIn.get(directory) ?? count) > tooManyLooks)
      .map(([directory]) => directory),
  )
  const plain: string[] = []
  const named = new Map<string, string[]>()
  for (const path of paths) {
    const { directory, name } = split(path)
    if (name === '*' || (wide.has(directory) && !wholes?.has(path)))
      named.set(directory, [...(named.get(directory) ?? []), name])
    else plain.push(path)
  }
  const chunks = [...named].flatMap(([directory, names]) =>
    chunk(names, { maxBytes, overhead: 20 + 2 * directory.length }).map((some) => ({ directory, names: some })),
  )
  return [...chunk(plain, { maxBytes, overhead: 7 }).map((some) => ({ paths: some })), ...chunks]
}

/** Counts what `planRuns` wants to know, on this side. */
export async function countEntries(root: string, paths: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const [directory, count] of crowds(paths)) {
    // What is missing here is what is wanted.
    const here = await readdir(join(root, directory)).catch(() => [])
    found.set(directory, Math.max(here.length, count))
  }
  return found
}

/** Directories of which many names are wanted, and how many. */
function crowds(paths: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const path of paths) {
    const { directory, name } = split(path)
    if (name !== '') counts.set(directory, (counts.get(directory) ?? 0) + 1)
  }
  return new Map([...counts].filter(([, count]) => count >= many))
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/')
  return { directory: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) }
}

function chunk(texts: readonly string[], { maxBytes, overhead }: { maxBytes: number; overhead: number }): string[][] {
  const chunks: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const text of texts) {
    const size = Buffer.byteLength(text) + overhead
    if (bytes + size > maxBytes) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)?.push(text)
    bytes += size
  }
  return chunks
}
