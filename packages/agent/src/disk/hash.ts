import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'

const wholeBytes = 1 << 20
const chunkBytes = 256 << 10
// Kept for the life of the thread, so that hashing makes no garbage. Unpooled and untouched: it takes no memory before its first use.
const buffer = Buffer.allocUnsafeSlow(wholeBytes + 1)

/** SHA-256 in hex of an open file, read from its start. Undefined when it has not `size` bytes: somebody is writing to it. */
export function hashFile(descriptor: number, size: number): string | undefined {
  return size <= wholeBytes ? hashWhole(descriptor, size) : hashInChunks(descriptor, size)
}

export function hashBytes(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

function hashWhole(descriptor: number, size: number): string | undefined {
  let length = 0
  // One byte more than expected, so that growth is seen.
  while (length <= size) {
    const read = readSync(descriptor, buffer, length, size + 1 - length, length)
    if (read === 0) break
    length += read
  }
  return length === size ? hashBytes(buffer.subarray(0, length)) : undefined
}

function hashInChunks(descriptor: number, size: number): string | undefined {
  const sum = createHash('sha256')
  let length = 0
  for (;;) {
    const read = readSync(descriptor, buffer, 0, chunkBytes, length)
    if (read === 0) break
    length += read
    if (length > size) return undefined
    sum.update(buffer.subarray(0, read))
  }
  return length === size ? sum.digest('hex') : undefined
}
