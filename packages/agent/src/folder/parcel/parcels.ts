import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { DiskState, FolderId, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import type { Clock, FolderIndex, Link } from '@spansync/common/ports'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { DiskWorker } from '../../disk/disk-worker.ts'
import type { Task } from '../../disk/tasks.ts'
import { isAlive } from '../live-rows.ts'
import { Running } from '../running.ts'
import { attend } from '../streams/attend.ts'
import { ExactReader } from '../streams/exact-reader.ts'
import { Meeting } from '../streams/meeting.ts'
import { write } from '../streams/write.ts'
import { encodeOrder, mostBytesPerFile, type OrderLine, readFile, readOrder } from './format.ts'

/** Fewer are left to Unison: it has to learn of them at any rate for later changes, and then is as quick. */
export const fewestFiles = 8
/** So much is handed to the disk at a time. */
const mostTogether = { files: 250, bytes: 512 << 10 }

/** On the slowest of links a slice leaves long before silence counts as failure. */
const sliceBytes = 64 << 10

export interface ParcelsOptions {
  readonly folder: FolderId
  readonly root: string
  readonly index: FolderIndex
  readonly disk: DiskWorker
  readonly clock: Clock
  readonly log: Logger
  /** These have just been put in place. */
  readonly put: (put: ReadonlyMap<RelativePath, DiskState>) => void
  /** These are not coming any more: they have been put in place, or will not be. */
  readonly released: (paths: readonly RelativePath[]) => void
  /** What is here may not go to the peer. */
  readonly isHeldBack: (peer: NodeId, path: RelativePath) => boolean
  /** A parcel has passed between this replica and the peer. */
  readonly passed: (peer: NodeId) => void
}

/** Many small new files travel in one piece, from agent to agent. Unison's strength is to find out what differs; here nothing is to be
 *  found out, and its cost per file would be most of the time that a first sync takes. What came is checked by its hash before it gets
 *  its name; what did not is left to Unison. */
export class Parcels implements AsyncDisposable {
  readonly #options: ParcelsOptions
  readonly #stop = new AbortController()
  readonly #meeting: Meeting
  readonly #running = new Running()
  /** What parcels under way have not put in place yet. */
  readonly #coming = new Set<RelativePath>()

  constructor(options: ParcelsOptions) {
    this.#options = options
    this.#meeting = new Meeting(options.clock, this.#stop.signal)
  }

  /** It is about to be put there. */
  isComing(path: RelativePath): boolean {
    return this.#coming.has(path)
  }

  /** Brings the items from the peer, and answers with what is on the disk now. Their directories must be there. Never rejects. */
  async bring(link: Link, items: readonly FetchItem[]): Promise<Map<RelativePath, DiskState>> {
    const { folder, clock, log, passed } = this.#options
    const begun = clock.now()
    const id = randomBytes(6).toString('hex')
    const brought = new Map<RelativePath, DiskState>()
    const paths = items.map(({ entry }) => entry.path)
    for (const path of paths) this.#coming.add(path)
    const work = async (): Promise<void> => {
      const invite = { type: 'parcel_wanted', folder, id } as const
      const header = { folder, purpose: 'parcel', id: link.dialed ? id : answerTo(id) } as const
      const stream = await this.#meeting.ask(link, header, invite)
      await this.#attend(stream, (reader, feed) => this.#unpack({ stream, reader, feed, items }, brought))
    }
    await this.#running.track(
      work().catch((error) => {
        log.debug({ event: 'parcel.not_brought', peer: link.name, reason: messageOf(error) })
      }),
    )
    this.#release(paths)
    passed(link.peer)
    const durationMs = clock.now() - begun
    log.debug({ event: 'parcel.brought', peer: link.name, files: items.length, brought: brought.size, durationMs })
    return brought
  }

  /** The peer did not dial, so the stream is for us to open. */
  async onWanted(link: Link, id: string): Promise<void> {
    const { folder } = this.#options
    const gone = (): void => link.send({ type: 'parcel_gone', folder, id })
    if (!link.dialed) return gone()
    const header = { folder, purpose: 'parcel', id: answerTo(id) } as const
    const opening = link.openStream(header, this.#stop.signal)
    opening.catch(gone)
    await this.#serve(link.peer, opening)
  }

  onGone(id: string): void {
    this.#meeting.refuse(answerTo(id), 'the peer cannot send it now')
  }

  linkDown(peer: NodeId): void {
    this.#meeting.lost(peer)
  }

  /** The peer has dialled: it either sends what this side has asked for, or asks itself. */
  async onStream(link: Link, id: string, stream: Duplex): Promise<void> {
    if (this.#meeting.bring(id, stream)) return
    if (isAnswer(id)) stream.destroy()
    else await this.#serve(link.peer, stream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the folder is closed'))
    await this.#running.settled()
  }

  async #unpack({ stream, reader, feed, items }: Unpacking, brought: Map<RelativePath, DiskState>): Promise<void> {
    const lines = items.map(({ entry: { path, hash, size } }) => ({ path, hash, size }))
    await write(stream, encodeOrder(lines), this.#stop.signal)
    stream.end()
    let putting: Promise<void> = Promise.resolve()
    try {
      for (const part of inParts(items, ({ entry }) => entry.size)) {
        const batch = await this.#readPart(reader, part)
        // The next part comes in while this one is written.
        await putting
        feed()
        putting = this.#put(batch, brought)
        putting.catch(() => undefined)
      }
      await reader.end()
    } finally {
      // Nobody may touch these paths before it is over.
      await putting
    }
  }

  async #readPart(reader: ExactReader, items: readonly FetchItem[]): Promise<Batch> {
    const room = new Uint8Array(items.reduce((sum, { entry }) => sum + entry.size, 0))
    const tasks: PutTask[] = []
    let at = 0
    for (const { entry } of items) {
      const bytes = await readFile(reader, entry)
      if (bytes === undefined) continue
      room.set(bytes, at)
      const { path: to, mode, mtimeUs, hash } = entry
      tasks.push({ op: 'put', to, bytes: room.subarray(at, at + bytes.length), mode, mtimeUs, hash })
      at += bytes.length
    }
    return { tasks, room: room.buffer }
  }

  async #put({ tasks, room }: Batch, brought: Map<RelativePath, DiskState>): Promise<void> {
    const { disk, root } = this.#options
    const results = await disk.perform(root, tasks, { transfer: [room] })
    const put = new Map<RelativePath, DiskState>()
    for (const [at, result] of results.entries()) {
      const { to } = tasks[at] as PutTask
      if (result.code === 'done' && result.disk) put.set(to, result.disk)
    }
    for (const [path, disk] of put) brought.set(path, disk)
    this.#options.put(put)
    this.#release([...put.keys()])
  }

  #release(paths: readonly RelativePath[]): void {
    for (const path of paths) this.#coming.delete(path)
    this.#options.released(paths)
  }

  async #serve(peer: NodeId, opening: Duplex | Promise<Duplex>): Promise<void> {
    const { log, passed } = this.#options
    const work = async (): Promise<void> => {
      const stream = await opening
      await this.#attend(stream, async (reader, feed) => {
        await this.#pack({ peer, stream, feed }, await readOrder(reader))
        stream.end()
        await reader.end()
      })
    }
    await this.#running.track(
      work().catch((error) => {
        log.debug({ event: 'parcel.not_sent', reason: messageOf(error) })
      }),
    )
    passed(peer)
  }

  #attend(stream: Duplex, work: (reader: ExactReader, feed: () => void) => Promise<void>): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    return attend(stream, { clock, signal }, (feed) => work(new ExactReader(stream, feed), feed))
  }

  async #pack({ peer, stream, feed }: Packing, lines: readonly OrderLine[]): Promise<void> {
    let packed: Promise<Uint8Array> | undefined
    for (const part of inParts(lines, ({ size }) => size)) {
      const next = this.#packPart(peer, part)
      next.catch(() => undefined)
      // The disk reads on while this one leaves.
      if (packed) await this.#send(stream, packed, feed)
      packed = next
    }
    if (packed) await this.#send(stream, packed, feed)
  }

  async #send(stream: Duplex, packed: Promise<Uint8Array>, feed: () => void): Promise<void> {
    const bytes = await packed
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      await write(stream, bytes.subarray(at, at + sliceBytes), this.#stop.signal)
      feed()
    }
  }

  async #packPart(peer: NodeId, lines: readonly OrderLine[]): Promise<Uint8Array> {
    const { disk, root, index, isHeldBack } = this.#options
    const rows = index.getMany(lines.map(({ path }) => path))
    const isHere = ({ path, hash, size }: OrderLine): boolean => {
      const row = rows.get(path)
      return isAlive(row) && row.kind === 'file' && row.hash === hash && row.size === size && size <= mostBytesPerFile
    }
    const mayGo = (line: OrderLine): boolean => isHere(line) && !isHeldBack(peer, line.path)
    const files = lines.map((line) => ({ path: line.path, size: mayGo(line) ? line.size : undefined }))
    return await disk.gather(root, files)
  }
}

interface Packing {
  readonly peer: NodeId
  readonly stream: Duplex
  readonly feed: () => void
}

interface Unpacking {
  readonly stream: Duplex
  readonly reader: ExactReader
  readonly feed: () => void
  readonly items: readonly FetchItem[]
}

/** The id of a stream that answers a `parcel_wanted`. */
const answerTo = (id: string): string => `for-${id}`
const isAnswer = (id: string): boolean => id.startsWith('for-')

type PutTask = Extract<Task, { readonly op: 'put' }>

interface Batch {
  readonly tasks: readonly PutTask[]
  readonly room: ArrayBuffer
}

/** Those of the items that are better brought in a parcel; none when there are too few. */
export function inParcel(items: readonly FetchItem[]): FetchItem[] {
  const suited = items.filter(isSmallAndNew)
  return suited.length < fewestFiles ? [] : suited
}

function isSmallAndNew({ entry, local, transit, clear }: FetchItem): boolean {
  const isNew = !isAlive(local) && transit === undefined && !clear
  return isNew && entry.kind === 'file' && entry.size <= mostBytesPerFile
}

function* inParts<T>(items: readonly T[], bytesOf: (item: T) => number): Generator<T[]> {
  let part: T[] = []
  let bytes = 0
  for (const item of items) {
    part.push(item)
    bytes += bytesOf(item)
    if (part.length < mostTogether.files && bytes < mostTogether.bytes) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}
