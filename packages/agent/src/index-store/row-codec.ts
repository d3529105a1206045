import type { Dot, Entry, Kind, Row, StatSignature, VersionVector } from '@spansync/common/core/causal/types'
import { UnexpectedContentError } from './errors.ts'

export const columns =
  'seq, path, kind, deleted, size, mtime_us, mode, hash, vector, dots, ' +
  'stat_mtime_us, stat_ctime_us, stat_size, stat_inode, stat_mode, beaten'

/** A row as better-sqlite3 gives it in raw mode: an array, in the order of `columns`. */
export type RawRow = readonly [
  seq: number,
  path: string,
  kind: number,
  deleted: number,
  size: number,
  mtimeUs: number,
  mode: number,
  hash: Buffer,
  vector: string,
  dots: string,
  statMtimeUs: number | null,
  statCtimeUs: number | null,
  statSize: number | null,
  statInode: number | null,
  statMode: number | null,
  beaten: string | null,
]

const kinds: readonly Kind[] = ['file', 'dir', 'symlink']
const emptyBytes = Buffer.alloc(0)

export function decodeRow(raw: RawRow): Row {
  const kind = kinds[raw[2]]
  if (kind === undefined) throw new UnexpectedContentError(`kind ${raw[2]} at ${raw[1]}`)
  return {
    path: raw[1],
    kind,
    size: raw[4],
    mtimeUs: raw[5],
    mode: raw[6],
    hash: raw[7].toString('hex'),
    deleted: raw[3] === 1,
    vector: JSON.parse(raw[8]) as VersionVector,
    dots: JSON.parse(raw[9]) as Dot[],
    seq: raw[0],
    stat: decodeStat(raw[10], raw[11], raw[12], raw[13], raw[14]),
    ...(raw[15] === null ? {} : { beaten: JSON.parse(raw[15]) as Dot[] }),
  }
}

export function decodeStat(
  mtimeUs: number | null,
  ctimeUs: number | null,
  size: number | null,
  inode: number | null,
  mode: number | null,
): StatSignature | undefined {
  if (mtimeUs === null || ctimeUs === null || size === null || inode === null || mode === null) return undefined
  return { mtimeUs, ctimeUs, size, inode, mode }
}

export function encodeRow(seq: number, entry: Entry & { readonly stat: Row['stat'] }): unknown[] {
  return [
    seq,
    entry.path,
    kinds.indexOf(entry.kind),
    entry.deleted ? 1 : 0,
    entry.size,
    entry.mtimeUs,
    entry.mode,
    encodeHash(entry.hash),
    JSON.stringify(entry.vector),
    JSON.stringify(entry.dots),
    ...encodeStat(entry.stat),
    entry.beaten ? JSON.stringify(entry.beaten) : null,
  ]
}

export function encodeStat(stat: Row['stat']): (number | null)[] {
  if (stat === undefined) return [null, null, null, null, null]
  return [stat.mtimeUs, stat.ctimeUs, stat.size, stat.inode, stat.mode]
}

export function encodeHash(hash: string): Buffer {
  return hash === '' ? emptyBytes : Buffer.from(hash, 'hex')
}
