import { closeSync, constants, createWriteStream, fstatSync, openSync, read } from 'node:fs'
import { mkdir, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { signatureOf } from '../disk/stat.ts'

interface Held {
  readonly path: RelativePath
  readonly descriptor: number
  readonly before: Before
}

type Before = Pick<StatSignature, 'size' | 'mtimeUs'>

/** Unison looks at a file, copies it aside, and then renames the new version over it. Who writes into the file in that moment writes into
 *  one that has lost its name, and that is gone when the last who has it open closes it: so somebody keeps it open. */
export class HeldFiles implements Disposable {
  readonly #held: Held[] = []

  /** Opens a file that is about to be replaced. No more than some hundreds are held, for descriptors are scarce. */
  hold(path: RelativePath, full: string, before: Before): void {
    if (this.#held.length >= most) return
    try {
      // Never waits, as a pipe would make it, and never follows a link out of the folder.
      const descriptor = openSync(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      // A directory has come in its place: that can be opened, too.
      if (fstatSync(descriptor).isFile()) this.#held.push({ path, descriptor, before })
      else closeSync(descriptor)
    } catch {
      // It has gone, or is not for us to read: the session will find that out, too.
    }
  }

  /** Writes what was edited and has no name any more to where `place` says (a file that is not there yet). */
  async save(place: (path: RelativePath) => string, clock: Clock): Promise<void> {
    for (const held of this.#held) {
      if (isLost(held)) await save(held, place(held.path), clock)
    }
  }

  [Symbol.dispose](): void {
    for (const { descriptor } of this.#held.splice(0)) closeSync(descriptor)
  }
}

const most = 256

function isEdited({ descriptor, before }: Held): boolean {
  const { size, mtimeUs } = signatureOf(fstatSync(descriptor))
  return size !== before.size || mtimeUs !== before.mtimeUs
}

function isLost(held: Held): boolean {
  return isEdited(held) && fstatSync(held.descriptor).nlink === 0
}

async function save(held: Held, file: string, clock: Clock): Promise<void> {
  await rested(held, clock)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await pipeline(contentOf(held), createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  const { atime, mtime } = fstatSync(held.descriptor)
  await utimes(file, atime, mtime)
}

/** A stream would close the descriptor when it fails, and the number may belong to somebody else by the time it is closed again. */
async function* contentOf({ descriptor }: Held): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await readAt(descriptor, Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

const readAt = promisify(read)
const chunkBytes = 256 << 10

/** A program that has begun to write is about to go on. */
async function rested({ descriptor }: Held, clock: Clock): Promise<void> {
  for (let tries = 0; tries < mostRests; tries++) {
    const before = signatureOf(fstatSync(descriptor))
    await clock.sleep(restMs)
    const now = signatureOf(fstatSync(descriptor))
    if (now.size === before.size && now.mtimeUs === before.mtimeUs) return
  }
}

const restMs = 250
const mostRests = 40
