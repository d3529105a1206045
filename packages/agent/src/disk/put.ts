import { closeSync, fchmodSync, fstatSync, futimesSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DiskState, StatSignature } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import { hashBytes } from './hash.ts'
import { moveInto, type Place, uniqueName } from './place.ts'
import { stagingDirectory } from './staging.ts'
import { lstat, sameFile, signatureOf } from './stat.ts'
import { TaskError } from './task-failure.ts'
import type { Task } from './tasks.ts'

/** Writes a new file aside, whole and with its mode and times, and only then gives it its name: see the task. */
export function put(place: Place, task: Extract<Task, { readonly op: 'put' }>): DiskState {
  const { to, bytes, mode, mtimeUs, hash } = task
  if (hashBytes(bytes) !== hash) throw new TaskError('failed', `what came for ${to} is not the expected content`)
  const full = place.expecting(to, null)
  const aside = join(stagingDirectory(place.root), uniqueName())
  try {
    const written = write(aside, bytes, mode, mtimeUs)
    moveInto(aside, full, null)
    const stats = lstat(full)
    const stat = stats && signatureOf(stats)
    // A program here may have changed it at once: then this hash is not its.
    if (!stat || !sameFile(stat, written)) throw new TaskError('changed', `${to} changed at once`)
    return { kind: 'file', size: stat.size, mtimeUs: stat.mtimeUs, mode: stat.mode, hash, stat }
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

function write(aside: string, bytes: Uint8Array, mode: number, mtimeUs: number): StatSignature {
  const descriptor = openStaged(aside)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    fchmodSync(descriptor, mode)
    futimesSync(descriptor, mtimeUs / 1e6, mtimeUs / 1e6)
    return signatureOf(fstatSync(descriptor))
  } finally {
    closeSync(descriptor)
  }
}

function openStaged(aside: string): number {
  try {
    return openSync(aside, 'wx', 0o600)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    mkdirSync(dirname(aside), { recursive: true })
    return openSync(aside, 'wx', 0o600)
  }
}
