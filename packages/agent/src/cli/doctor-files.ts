import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { formatMs, plural } from '@spansync/common/cli/format'
import type { Config } from '@spansync/common/config/schema'
import { errnoOf } from '@spansync/common/runtime/errors'
import type { Check } from '../control/api.ts'
import { damageOf, setAside } from '../index-store/open-index.ts'
import { cleanLeftovers, type Leftovers } from '../unison/leftovers.ts'
import { curePairLocks } from '../unison/locks.ts'

/** What is wrong, and, where that is safe, how to repair it. */
export interface Finding {
  readonly check: Check
  /** Answers what has been done. */
  readonly repair?: () => Promise<string> | string
}

export interface FilesToCheck {
  readonly home: string
  readonly config: Config
  /** The agent may be using them now. */
  readonly isRunning: boolean
  readonly now: number
}

/** What crashes and power cuts leave in the home and in the folders. */
export async function checkFiles(files: FilesToCheck): Promise<Finding[]> {
  const indexes = Object.keys(files.config.folders).map((folder) => checkIndex(files, folder))
  const leftovers = await Promise.all(
    Object.entries(files.config.folders).map((folder) => checkLeftovers(files, folder)),
  )
  return [...indexes, ...asides(files.home), ...locks(files), ...leftovers].flat()
}

const fix = 'run `spansync doctor --fix`'

function checkIndex({ home, isRunning }: FilesToCheck, folder: string): Finding[] {
  const file = join(home, 'index', `${folder}.sqlite`)
  const check = { id: `index.${folder}`, title: `index of ${folder}` }
  // A running agent looks after it itself: it puts a damaged one aside.
  if (isRunning || !existsSync(file)) return []
  const damage = damageOf(file)
  if (damage === undefined) return [{ check: { ...check, result: 'ok' } }]
  const detail = `it is damaged (${damage}); a new one is made of the folder and of what the peers know, and no file is deleted`
  return [
    {
      check: { ...check, result: 'fail', detail, remedy: fix },
      repair: () => `put aside as ${setAside(file, 'damaged')}`,
    },
  ]
}

/** Indexes that were put aside once: worth knowing, for deletions that happened meanwhile may have come back. */
function asides(home: string): Finding[] {
  return list(join(home, 'index'))
    .filter((name) => /\.sqlite\.(damaged|other-root)-[^-]*-[^-]*-[^-]*$/.test(name))
    .map((name) => ({
      check: {
        ...{ id: 'index.aside', result: 'warn', title: 'an index was made anew', detail: join(home, 'index', name) },
        remedy: 'what was deleted shortly before may have come back; remove the file when all is as it should be',
      },
    }))
}

/** Unison takes a lock for each run; a killed one leaves it behind. */
function locks({ home, isRunning, now }: FilesToCheck): Finding[] {
  const unison = join(home, 'unison')
  const pairs = list(unison).flatMap((folder) => list(join(unison, folder)).map((peer) => join(unison, folder, peer)))
  return pairs.flatMap((directory) => {
    const found = list(directory).filter((name) => /^lk[0-9a-f]{32}$/.test(name))
    const [first] = found
    if (first === undefined) return []
    const age = now - statSync(join(directory, first)).mtimeMs
    // A run under way has one, too.
    if (isRunning && age < lockMs) return []
    const detail = `a lock of Unison, ${formatMs(age)} old, is left in ${directory}`
    const remedy = isRunning ? 'nothing: the next run of this pair removes it' : fix
    const check: Check = { id: 'unison.lock', result: 'warn', title: 'Unison archives', detail, remedy }
    const repair = async (): Promise<string> => `removed ${(await curePairLocks(directory)).join(', ')}`
    return [isRunning ? { check } : { check, repair }]
  })
}

const lockMs = 3_600_000

async function checkLeftovers(
  { isRunning, now }: FilesToCheck,
  [id, { path }]: [string, { path: string }],
): Promise<Finding[]> {
  // Unfinished files are worth keeping for a day: the next run goes on with them.
  const olderThanMs = isRunning ? leftoverMs : 0
  const look = (): Promise<Leftovers> => cleanLeftovers(path, { olderThanMs: Number.POSITIVE_INFINITY, now })
  const { kept } = await look().catch(() => ({ kept: [] }))
  if (kept.length === 0) return []
  const detail = `${plural(kept.length, 'unfinished file')} of Unison, such as ${kept[0]}`
  const remedy = isRunning ? `${fix}: it removes those that are older than a day` : fix
  return [
    {
      check: { id: `leftovers.${id}`, result: 'warn', title: `folder ${id}`, detail, remedy },
      repair: async () =>
        `removed ${plural((await cleanLeftovers(path, { olderThanMs, now })).removed.length, 'unfinished file')}`,
    },
  ]
}

const leftoverMs = 24 * 3_600_000

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}
