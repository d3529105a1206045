import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatCount, plural } from '@spansync/common/cli/format'
import type { Check } from '../control/api.ts'

const watchLimitFile = '/proc/sys/fs/inotify/max_user_watches'

/** Other programs of the same user watch too. */
const reservedWatches = 1000

/** Far above any limit in use; an end for a file system that loops. */
const mostDirectories = 2_000_000

/** Linux only: whether the system lets one user watch as many directories as the folders have. */
export function checkWatches(roots: readonly string[], limit = readWatchLimit()): Check[] {
  if (limit === undefined) return []
  const directories = roots.reduce((sum, root) => sum + countDirectories(root), 0)
  const detail = `${plural(directories, 'directory')} to watch, limit ${formatCount(limit)}`
  const title = 'inotify limit'
  if (directories + reservedWatches <= limit) return [{ id: 'inotify', result: 'ok', title, detail }]
  const wanted = Math.max(524_288, 2 ** Math.ceil(Math.log2(directories + reservedWatches)))
  const remedy =
    `as root: echo fs.inotify.max_user_watches=${wanted} > /etc/sysctl.d/60-spansync.conf && sysctl --system ` +
    '(until then changes are found by the periodic scan)'
  return [{ id: 'inotify', result: directories > limit ? 'fail' : 'warn', title, detail, remedy }]
}

function readWatchLimit(): number | undefined {
  try {
    return Number(readFileSync(watchLimitFile, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

/** Directories at and below a root; what cannot be read counts as empty. */
function countDirectories(root: string): number {
  const waiting = [root]
  let count = 0
  for (let path = waiting.pop(); path !== undefined && count < mostDirectories; path = waiting.pop()) {
    count++
    for (const entry of readDirectory(path)) if (entry.isDirectory()) waiting.push(join(path, entry.name))
  }
  return count
}

function readDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Before this program was written: a machine that forgot the time. */
const earliest = Date.UTC(2026, 0, 1)
const latest = Date.UTC(2100, 0, 1)

/** A clock far off gives conflict copies wrong dates, and makes the wrong edit win. */
export function checkClock(nowMs: number): Check[] {
  const title = 'clock'
  const detail = new Date(nowMs).toISOString()
  if (nowMs >= earliest && nowMs < latest) return [{ id: 'clock', result: 'ok', title, detail }]
  return [
    { id: 'clock', result: 'fail', title, detail, remedy: 'set the clock of this machine, and keep it right with NTP' },
  ]
}
