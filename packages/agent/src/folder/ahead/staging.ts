import { createHash } from 'node:crypto'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Entry } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { stagingDirectory } from '../../disk/staging.ts'
import { attend } from '../streams/attend.ts'

const spareBytes = 64 << 20

export const stagedFile = (root: string, hash: string): string => join(stagingDirectory(root), hash)

/** Whether the disk has room for it beside everything else. */
export async function hasRoomFor(root: string, { size }: Entry): Promise<boolean> {
  const { bavail, bsize } = await statfs(root)
  return bavail * bsize > size + spareBytes
}

export interface Receiving {
  readonly root: string
  readonly entry: Entry
  readonly stream: Duplex
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Writes the stream to a file of its own and answers whether it is, to the last bit, what the entry says. Otherwise nothing is left
 *  of it. Never rejects. */
export async function receive(receiving: Receiving): Promise<boolean> {
  const { root, entry } = receiving
  const file = stagedFile(root, entry.hash)
  try {
    await mkdir(dirname(file), { recursive: true })
    if (await store(file, receiving)) return true
  } catch {
    // A broken stream, a full disk: the usual way tells why, if it fails too.
  }
  await rm(file, { force: true }).catch(() => undefined)
  return false
}

async function store(file: string, { entry, stream, clock, signal }: Receiving): Promise<boolean> {
  await using handle = await open(file, 'w', 0o600)
  const sum = createHash('sha256')
  let bytes = 0
  return await attend(stream, { clock, signal }, async (feed) => {
    for await (const part of stream as AsyncIterable<Buffer>) {
      feed()
      bytes += part.length
      if (bytes > entry.size) return false
      sum.update(part)
      await handle.write(part)
    }
    await handle.sync()
    return bytes === entry.size && sum.digest('hex') === entry.hash
  }).finally(() => stream.destroy())
}
