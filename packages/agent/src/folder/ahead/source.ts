import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Entry } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { write } from '../streams/write.ts'

/** How often a file that grows is looked at when nothing new was there. */
const lookMs = 25
const chunkBytes = 256 * 1024

export class AheadFailedError extends Error {}

/** A file on its way here, whose bytes can be passed on before it is complete. `outcome` becomes known when it has arrived, or not. */
export class Source {
  readonly entry: Entry
  readonly #root: string
  readonly #clock: Clock
  /** Where the bytes gather, when that is known from the start; else Unison's temporary file is looked for. */
  readonly #place: string | undefined
  readonly #sessionRoots: readonly string[]
  #outcome: 'coming' | 'arrived' | 'failed' = 'coming'

  /** `sessionRoots`: where the session works that brings it, if not in `root`; the likeliest first. */
  constructor(options: {
    entry: Entry
    root: string
    clock: Clock
    place?: string
    sessionRoots?: readonly string[]
  }) {
    this.entry = options.entry
    this.#root = options.root
    this.#clock = options.clock
    this.#place = options.place
    this.#sessionRoots = options.sessionRoots ?? [options.root]
  }

  end(arrived: boolean): void {
    this.#outcome = arrived ? 'arrived' : 'failed'
  }

  /** Sends all of it as it comes, and ends the stream. Rejects when the file does not arrive, or when the receiver hangs up. Whether
   *  these are the right bytes is for the receiver to check: they are read before anybody has verified them. */
  async send(stream: Duplex, signal: AbortSignal): Promise<void> {
    await using file = await this.#open(signal)
    const { size } = this.entry
    for (let offset = 0; offset < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, size - offset))
      const hadEnded = this.#outcome !== 'coming'
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
      if (bytesRead > 0) {
        offset += bytesRead
        await write(stream, buffer.subarray(0, bytesRead), signal)
      } else if (hadEnded) throw new AheadFailedError(`${this.entry.path} did not arrive`)
      else await this.#clock.sleep(lookMs, signal)
    }
    stream.end()
  }

  /** The name under which the bytes gather may take a moment to appear. A file keeps its handle when it gets its final name. */
  async #open(signal: AbortSignal): Promise<FileHandle> {
    for (;;) {
      const hadEnded = this.#outcome !== 'coming'
      const place = hadEnded && this.#outcome === 'arrived' ? this.#final : (this.#place ?? (await this.#temporary()))
      const file = place === undefined ? undefined : await open(place, 'r').catch(() => undefined)
      if (file !== undefined) return file
      if (hadEnded) throw new AheadFailedError(`${this.entry.path} is not there`)
      await this.#clock.sleep(lookMs, signal)
    }
  }

  get #final(): string {
    return join(this.#root, this.entry.path)
  }

  /** `.unison.NAME.<hash of the pair>.unison.tmp`, the one that was written last. */
  async #temporary(): Promise<string | undefined> {
    for (const root of this.#sessionRoots) {
      const found = await this.#temporaryIn(dirname(join(root, this.entry.path)))
      if (found !== undefined) return found
    }
    return undefined
  }

  async #temporaryIn(directory: string): Promise<string | undefined> {
    const prefix = `.unison.${basename(this.#final)}.`
    const names = await readdir(directory).catch(() => [])
    const found = names.filter((name) => name.startsWith(prefix) && /\.[0-9a-f]{32}\.unison\.tmp$/.test(name))
    const dated = await Promise.all(
      found.map(async (name) => ({
        name,
        at: (await stat(join(directory, name)).catch(() => undefined))?.mtimeMs ?? 0,
      })),
    )
    const newest = dated.sort((left, right) => right.at - left.at)[0]
    return newest && join(directory, newest.name)
  }
}
