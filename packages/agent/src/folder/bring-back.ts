import type { Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import type { NodeId, RelativePath, Row, VersionVector } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { FolderIndex } from '@spansync/common/ports'
import type { DiskWorker } from '../disk/disk-worker.ts'
import type { Task } from '../disk/tasks.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'

export interface BringBackOptions {
  readonly root: string
  readonly disk: Pick<DiskWorker, 'perform'>
  readonly index: Pick<FolderIndex, 'getMany'>
  readonly session: (peer: NodeId, request: SessionRequest) => Promise<SessionOutcome>
  readonly look: (paths: readonly RelativePath[]) => Promise<readonly Seen[]>
  /** Peers that are connected, what they know, and what policy lets come from them. */
  readonly holders: readonly {
    readonly id: NodeId
    readonly knowledge: VersionVector
    readonly mayGive: (row: Row) => boolean
  }[]
}

export interface BroughtBack {
  readonly files: number
  /** No peer that is connected has them, or they did not come; with the last reason. */
  readonly missing: number
  readonly reason: string
}

const atOnce = 1000

/** Puts on the disk again what has vanished there and is alive in the index, from peers that hold just that. Nothing is decided or
 *  written down for it: the index is right as it is, and what comes shows what it says. */
export async function bringBack(options: BringBackOptions, paths: readonly RelativePath[]): Promise<BroughtBack> {
  const rows = [...options.index.getMany(paths).values()].filter(({ deleted }) => !deleted)
  await makeDirectories(options, rows)
  let missing = rows.filter(({ kind }) => kind !== 'dir')
  const files = missing.length
  let reason = 'no peer that is connected has them'
  for (const { id, knowledge, mayGive } of options.holders) {
    const held = missing.filter((row) => covers(knowledge, row.vector) && mayGive(row))
    const back = new Set<RelativePath>()
    for (let at = 0; at < held.length; at += atOnce) {
      const part = held.slice(at, at + atOnce)
      const outcome = await options.session(id, requestFor(options, part))
      const came = await backAgain(options, part)
      if (came.length < part.length) reason = outcome.reason || 'the content did not arrive'
      for (const path of came) back.add(path)
    }
    missing = missing.filter(({ path }) => !back.has(path))
  }
  return { files: files - missing.length, missing: missing.length, reason: missing.length > 0 ? reason : '' }
}

async function makeDirectories({ root, disk, look }: BringBackOptions, rows: readonly Row[]): Promise<void> {
  const directories = rows.filter(({ kind }) => kind === 'dir').sort((left, right) => (left.path < right.path ? -1 : 1))
  const tasks = directories.map(({ path, mode }): Task => ({ op: 'mkdir', path, mode }))
  if (tasks.length === 0) return
  await disk.perform(root, tasks)
  await look(directories.map(({ path }) => path))
}

function requestFor(options: BringBackOptions, rows: readonly Row[]): SessionRequest {
  return {
    paths: rows.map(({ path }) => path),
    covers: new Set(),
    onlyUpdates: false,
    replacesKind: false,
    // Somebody may have put something else there in between.
    recheck: async () => [...(await absentAmong(options, rows))],
    isUndisturbed: async (some) => {
      const absent = await absentAmong(options, rows)
      const back = new Set(await backAgain(options, rows))
      return (some ?? rows.map(({ path }) => path)).every((path) => absent.has(path) || back.has(path))
    },
    files: rows.length,
    bytes: rows.reduce((sum, { size }) => sum + size, 0),
    attempts: 0,
  }
}

async function absentAmong({ look }: BringBackOptions, rows: readonly Row[]): Promise<Set<RelativePath>> {
  const seen = await look(rows.map(({ path }) => path))
  return new Set(seen.filter(({ disk }) => disk === undefined).map(({ path }) => path))
}

async function backAgain({ look }: BringBackOptions, rows: readonly Row[]): Promise<RelativePath[]> {
  const seen = new Map((await look(rows.map(({ path }) => path))).map((one) => [one.path, one]))
  return rows.filter((row) => matches(row, seen.get(row.path)?.disk)).map(({ path }) => path)
}
