import type { Seen } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import { sameSignature } from '../disk/stat.ts'

/** The bytes are not those that were hashed, and nothing shows that anybody has written since. */
export function isSilentlyChanged({ local, disk }: Seen): boolean {
  if (!local?.stat || local.deleted || disk?.kind !== local.kind || local.kind === 'dir') return false
  return sameSignature(local.stat, disk.stat) && !matches(local, disk)
}

/** The file has its old time and another size: what a power cut makes of a file whose bytes had not reached the disk. A program that
 *  writes leaves a new time. */
export function isTorn({ local, disk }: Seen): boolean {
  if (!local?.stat || local.deleted || local.kind !== 'file' || disk?.kind !== 'file') return false
  const { inode, mtimeUs, size } = local.stat
  return disk.stat.inode === inode && disk.stat.mtimeUs === mtimeUs && disk.stat.size !== size
}
