import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { Content, Kind, RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { compileFileRules, type FileRules, type IsWantedFile } from '@spansync/common/core/policy/filter'
import type { Observation } from '@spansync/common/ports'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import { ExactNames } from './exact-names.ts'
import { hashBytes, hashFile } from './hash.ts'
import { checkMarker } from './marker.ts'
import { ParentGuard } from './parents.ts'
import { isUsablePath } from './path-rules.ts'
import { kindOf, lstat, nameOfType, sameSignature, signatureOf } from './stat.ts'
import { isReadTooSoon, tickMs, unlikeAny } from './tick.ts'

/** What was there when the content was last hashed; a Row of the index fits. */
export interface Known {
  readonly kind: Kind
  readonly hash: string
  readonly stat: StatSignature
}

export interface ObserveRequest {
  readonly path: RelativePath
  readonly known?: Known | undefined
  /** What is alive at the path by the index. */
  readonly shared?: Kind | undefined
}

/** `later`: files above `limits.bytes`, left for another thread. */
export interface ObserveResult {
  readonly observations: Observation[]
  readonly later: ObserveRequest[]
}

export interface ObserveLimits {
  /** Larger files are left for another thread. */
  readonly mostBytes?: number
  /** The file system takes some different names for the same. */
  readonly folds?: boolean
  /** What they leave out is not read. */
  readonly files?: FileRules
}

/** Looks at each path: lstat, and the hash unless the signature is the known one. Throws a MarkerError when something is absent
 *  and the folder's marker is gone too: then nothing can be said about what is there. */
export function observe(
  root: string,
  requests: readonly ObserveRequest[],
  { mostBytes = Number.POSITIVE_INFINITY, folds = false, files = [] }: ObserveLimits = {},
): ObserveResult {
  const exact = folds ? new ExactNames(root) : undefined
  const common = { mostBytes, exact, isWanted: compileFileRules(files) }
  const guard = new ParentGuard(root)
  const observations: Observation[] = []
  const later: ObserveRequest[] = []
  const fresh: ObserveRequest[] = []
  for (const request of requests) {
    const seen = observeOne(root, guard, request, { ...common, patient: false })
    if (seen === 'later') later.push(request)
    else if (seen === 'fresh') fresh.push(request)
    else observations.push(seen)
  }
  if (fresh.length > 0) sleep(tickMs)
  for (const request of fresh) {
    const seen = observeOne(root, guard, request, { ...common, patient: true })
    if (seen === 'later' || seen === 'fresh') later.push(request)
    else observations.push(seen)
  }
  if (observations.some((seen) => 'disk' in seen && seen.disk === undefined)) checkMarker(root)
  return { observations, later }
}

interface Limits {
  readonly mostBytes: number
  readonly patient: boolean
  readonly exact: ExactNames | undefined
  readonly isWanted: IsWantedFile
}

function observeOne(
  root: string,
  guard: ParentGuard,
  request: ObserveRequest,
  limits: Limits,
): Observation | 'later' | 'fresh' {
  const { path, known } = request
  if (!isUsablePath(path)) return { path, code: 'bad_name', problem: 'this name cannot be synchronised' }
  try {
    if (guard.above(path) !== 'real') return { path, disk: undefined }
    const full = join(root, path)
    const stats = lstat(full)
    if (stats === undefined) return { path, disk: undefined }
    if (limits.exact?.has(path) === false) {
      // What is known by this name has been renamed. What is not must not take the other one's place.
      return known ? { path, disk: undefined } : { path, code: 'name_taken', problem: takenText }
    }
    const kind = kindOf(stats)
    if (kind === undefined) return { path, code: 'unsupported', problem: `it is ${nameOfType(stats)}` }
    if (kind === 'file' && !limits.isWanted(path, stats.size, request.shared)) {
      return { path, code: 'unwanted', problem: 'the rules for files leave it out' }
    }
    const stat = signatureOf(stats)
    if (kind === 'dir') return { path, disk: { ...contentOf(kind, stats, ''), stat } }
    if (known !== undefined && known.kind === kind && sameSignature(known.stat, stat)) {
      return { path, disk: { ...contentOf(kind, stats, known.hash), stat } }
    }
    if (stats.size > limits.mostBytes) return 'later'
    const soon = isReadTooSoon(stats, Date.now())
    if (soon === 'wait' && !limits.patient) return 'fresh'
    const hash = kind === 'symlink' ? hashLink(full) : hashStable(full, stats)
    const after = lstat(full)
    if (hash === undefined || after === undefined || !sameSignature(stat, signatureOf(after))) {
      return { path, code: 'changing', problem: 'it changed while it was read' }
    }
    return { path, disk: { ...contentOf(kind, stats, hash), stat: soon === 'too_coarse' ? unlikeAny(stat) : stat } }
  } catch (error) {
    return problemOf(path, error)
  }
}

const takenText = 'something is there whose name differs only in ways that this file system ignores'

function contentOf(kind: Kind, stats: Stats, hash: string): Content {
  const mode = kind === 'symlink' ? 0 : stats.mode & 0o777
  if (kind === 'dir') return { kind, size: 0, mtimeUs: 0, mode, hash }
  return { kind, size: stats.size, mtimeUs: signatureOf(stats).mtimeUs, mode, hash }
}

function hashLink(path: string): string {
  return hashBytes(readlinkSync(path, { encoding: 'buffer' }))
}

// NOFOLLOW: it may have become a link meanwhile. NONBLOCK: or a pipe, on which open would wait for ever. Neither exists on Windows.
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

function hashStable(path: string, before: Stats): string | undefined {
  const descriptor = openSync(path, readFlags)
  try {
    const opened = fstatSync(descriptor)
    if (opened.ino !== before.ino || !opened.isFile()) return undefined
    return hashFile(descriptor, before.size)
  } finally {
    closeSync(descriptor)
  }
}

function problemOf(path: RelativePath, error: unknown): Observation {
  const code = errnoOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') {
    return { path, code: 'changing', problem: 'it changed while it was read' }
  }
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ') return { path, code: 'bad_name', problem: messageOf(error) }
  return { path, code: 'unreadable', problem: code === undefined ? messageOf(error) : `${code}: ${messageOf(error)}` }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
