import type { Content, Entry } from './types.ts'

/** Same bytes and same kind: nothing has to be moved. */
export function sameBytes(left: Content, right: Content): boolean {
  return left.kind === right.kind && left.hash === right.hash
}

/** Same for a user: kind, bytes and permissions. Modification times follow the bytes and do not count on their own, or two
 *  machines that only touch a file would argue for ever. */
export function sameContent(left: Content, right: Content): boolean {
  return sameBytes(left, right) && left.mode === right.mode
}

/** Is what lies on the disk (undefined: nothing) what the entry says? */
export function matches(entry: Entry | undefined, disk: Content | undefined): boolean {
  if (entry === undefined || entry.deleted) return disk === undefined
  return disk !== undefined && sameContent(entry, disk)
}

/** As `matches`, but for tombstones of both sides too. */
export function sameEntry(left: Entry, right: Entry): boolean {
  if (left.deleted || right.deleted) return left.deleted && right.deleted
  return sameContent(left, right)
}
