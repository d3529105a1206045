import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'

/** Where a version is kept that has to leave the folder: below `directory`, under the moment when it had to, and then the path that it
 *  had. So nothing has to be written down about it, and a person finds it without any program. */
export interface KeptPlace {
  readonly directory: string
  /** Milliseconds since 1970. Later when something is there already. */
  readonly atMs: number
  readonly path: RelativePath
}

export function keptFile({ directory, atMs, path }: KeptPlace): string {
  const stamp = new Date(atMs).toISOString()
  return join(directory, stamp.slice(0, 10), stamp.slice(11, 23).replaceAll(/[:.]/g, ''), path)
}

/** The names of the two directories that stand for a moment (UTC), read back; undefined for any others. */
export function momentOf(day: string, time: string): number | undefined {
  if (!isDayName(day) || !/^\d{9}$/.test(time)) return undefined
  const [hours, minutes, seconds, ms] = [time.slice(0, 2), time.slice(2, 4), time.slice(4, 6), time.slice(6)]
  const moment = Date.parse(`${day}T${hours}:${minutes}:${seconds}.${ms}Z`)
  return Number.isNaN(moment) ? undefined : moment
}

export function isDayName(name: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(name) && !Number.isNaN(Date.parse(name))
}
