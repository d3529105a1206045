import type { RelativePath } from '@spansync/common/core/causal/types'
import { parcelOrderSchema } from '@spansync/common/protocol/messages'
import { absentFile, headBytes } from '../../disk/gather.ts'
import type { ExactReader } from '../streams/exact-reader.ts'

/** A parcel is asked for with its order: four bytes for the length, then JSON. The answer has per file four bytes for its length, and
 *  its bytes, as `gather` gives them. */
export interface OrderLine {
  readonly path: RelativePath
  readonly hash: string
  /** Bytes. */
  readonly size: number
}

/** Larger files go through Unison, which can resume them. */
export const mostBytesPerFile = 256 << 10
const mostOrderBytes = 64 << 20

export class ParcelError extends Error {}

export function encodeOrder(lines: readonly OrderLine[]): Buffer {
  const json = Buffer.from(JSON.stringify(lines.map(({ path, hash, size }) => [path, hash, size])))
  return Buffer.concat([lengthOf(json.length), json])
}

export async function readOrder(reader: ExactReader): Promise<OrderLine[]> {
  const length = await readLength(reader)
  if (length > mostOrderBytes) throw new ParcelError(`an order of ${length} bytes`)
  const lines = parcelOrderSchema.parse(JSON.parse((await reader.take(length)).toString()))
  return lines.map(([path, hash, size]) => ({ path: path as RelativePath, hash, size }))
}

/** The bytes of the file that was asked for; undefined when the sender has not got it any more. */
export async function readFile(reader: ExactReader, { path, size }: OrderLine): Promise<Buffer | undefined> {
  const length = await readLength(reader)
  if (length === absentFile) return undefined
  if (length !== size) throw new ParcelError(`${length} bytes instead of ${size} for ${path}`)
  return await reader.take(length)
}

async function readLength(reader: ExactReader): Promise<number> {
  return (await reader.take(headBytes)).readUInt32BE()
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes)
  bytes.writeUInt32BE(length)
  return bytes
}
