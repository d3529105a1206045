import { mkdir, rename, rm } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { DiskState, Entry, FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Clock, Link } from '@spansync/common/ports'
import type { Message } from '@spansync/common/protocol/messages'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { stagingDirectory, stagingRoot } from '../../disk/staging.ts'
import { Running } from '../running.ts'
import { Meeting } from '../streams/meeting.ts'
import { Source } from './source.ts'
import { hasRoomFor, receive, stagedFile } from './staging.ts'

/** Smaller files are everywhere before it would pay to begin early. */
export const leastBytes = 4 << 20
/** So many come ahead at once. */
const mostAtOnce = 4
/** Of what came without being asked for. */
const mostSpared = 32
const mostSparedBytes = 256 << 20
/** What nobody has asked for by then has been superseded. */
const keptMs = 600_000

export interface AheadOptions {
  readonly folder: FolderId
  readonly root: string
  readonly clock: Clock
  readonly log: Logger
  readonly links: () => Iterable<Link>
  /** Content may pass to the peer, and it has not got this version yet, by its own word. */
  readonly lacks: (peer: NodeId, entry: Entry) => boolean
  /** This replica would take this version over what it has now, and nothing else is under way there. */
  readonly wants: (entry: Entry) => boolean
}

/** Passes large files on while they are still arriving, so that a line of machines does not wait for the whole of a file at each hop.
 *  Who receives one tells its next neighbours, who may ask for the bytes as they come. They gather aside, are checked by their hash, and
 *  are only put in place when the neighbour announces the file itself: until then nothing of it is part of the replica. */
export class Ahead implements AsyncDisposable {
  readonly #options: AheadOptions
  readonly #sources = new Map<string, Source>()
  /** By hash. False: it did not come, so it has to be fetched in the usual way. */
  readonly #staged = new Map<string, Promise<boolean>>()
  /** Of these the sizes of those that came without being asked for; the oldest first. */
  readonly #spared = new Map<string, number>()
  readonly #stop = new AbortController()
  readonly #meeting: Meeting
  readonly #running = new Running()

  constructor(options: AheadOptions) {
    this.#options = options
    this.#meeting = new Meeting(options.clock, this.#stop.signal)
  }

  /** What an earlier life left. */
  async start(): Promise<void> {
    await rm(stagingDirectory(this.#options.root), { recursive: true, force: true })
  }

  /** A session is about to bring these from the peer. Answers what to call at its end, with the hashes of what came. */
  bringing(peer: NodeId, items: readonly FetchItem[]): (arrived: ReadonlySet<string>) => void {
    const { root, clock } = this.#options
    const sources = items
      .map(({ entry }) => entry)
      .filter((entry) => isLarge(entry) && !this.#sources.has(entry.hash))
      .map((entry) => new Source({ entry, root, clock, sessionRoots: [stagingRoot(root, peer), root] }))
    for (const source of sources) this.#offer(source, peer)
    return (arrived) => {
      for (const source of sources) this.#close(source, arrived.has(source.entry.hash))
    }
  }

  /** The peer is receiving this file, and would pass it on as it comes. */
  onOffered(link: Link, entry: Entry): void {
    if (!isLarge(entry) || this.#staged.has(entry.hash) || this.#sources.has(entry.hash)) return
    const coming = this.#staged.size - this.#spared.size
    if (coming >= mostAtOnce || !this.#options.wants(entry)) return
    const done = this.#stage(link, entry)
    this.#staged.set(entry.hash, done)
    void this.#running.track(done)
  }

  /** A peer wants to have what it was offered; it waits for us to open the stream, since we dialled. */
  onWanted(link: Link, hash: string): void {
    const { folder } = this.#options
    const source = this.#sources.get(hash)
    const mayGo = source !== undefined && this.#options.lacks(link.peer, source.entry)
    if (!mayGo || !link.dialed) return link.send({ type: 'ahead_gone', folder, hash })
    const send = async (): Promise<void> => {
      const stream = await link.openStream({ folder, purpose: 'ahead', id: hash }, this.#stop.signal)
      await this.#send(source, stream)
    }
    void this.#running.track(send())
  }

  onGone(hash: string): void {
    this.#meeting.refuse(hash, 'it is no longer on its way to the peer')
  }

  linkDown(peer: NodeId): void {
    this.#meeting.lost(peer)
  }

  onStream(hash: string, stream: Duplex): void {
    if (this.#meeting.bring(hash, stream)) return
    const source = this.#sources.get(hash)
    if (source) void this.#running.track(this.#send(source, stream))
    else stream.destroy()
  }

  /** The file in which this content lies ready; waits for one that is coming. Undefined: it has to be fetched. */
  async ready(hash: string): Promise<string | undefined> {
    return (await this.#staged.get(hash)) ? stagedFile(this.#options.root, hash) : undefined
  }

  /** Something is coming or lies ready: nobody else need be asked for it. */
  has(hash: string): boolean {
    return this.#staged.has(hash)
  }

  /** Keeps a checked file that nobody has asked for yet: the peer had changed it before it was sent, and will announce it next. */
  async spare({ hash, size }: Pick<DiskState, 'hash' | 'size'>, file: string): Promise<void> {
    if (this.#staged.has(hash) || size > mostSparedBytes) return
    const { root, log } = this.#options
    // The newest are the likeliest to be asked for.
    const hasRoom = (): boolean =>
      sum(this.#spared.values()) + size <= mostSparedBytes && this.#spared.size < mostSpared
    for (const oldest of [...this.#spared.keys()]) if (!hasRoom()) await this.drop(oldest)
    try {
      await mkdir(stagingDirectory(root), { recursive: true })
      await rename(file, stagedFile(root, hash))
      if (this.#staged.has(hash)) return
      this.#staged.set(hash, Promise.resolve(true))
      this.#spared.set(hash, size)
      this.#forgetLater(hash)
    } catch (error) {
      log.debug({ event: 'ahead.not_spared', reason: messageOf(error) })
    }
  }

  /** It has been put in place, or is of no use. */
  async drop(hash: string): Promise<void> {
    this.#spared.delete(hash)
    if (!this.#staged.delete(hash)) return
    await rm(stagedFile(this.#options.root, hash), { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the folder is closed'))
    await this.#running.settled()
  }

  #offer(source: Source, from: NodeId): void {
    const { entry } = source
    const { folder, links, lacks } = this.#options
    this.#sources.set(entry.hash, source)
    const message: Message = { type: 'ahead', folder, entry }
    for (const link of links()) if (link.peer !== from && lacks(link.peer, entry)) link.send(message)
  }

  /** Whoever is in the middle of reading it goes on. */
  #close(source: Source, arrived: boolean): void {
    source.end(arrived)
    if (this.#sources.get(source.entry.hash) === source) this.#sources.delete(source.entry.hash)
  }

  async #send(source: Source, stream: Duplex): Promise<void> {
    // Whatever happens to it shows when something is written, or to the receiver.
    stream.on('error', () => undefined)
    try {
      await source.send(stream, this.#stop.signal)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : undefined)
      this.#options.log.debug({ event: 'ahead.not_sent', path: source.entry.path, reason: messageOf(error) })
    }
  }

  async #stage(link: Link, entry: Entry): Promise<boolean> {
    const { folder, root, clock, log } = this.#options
    const { signal } = this.#stop
    const begun = clock.now()
    let isComplete = false
    try {
      if (await hasRoomFor(root, entry)) {
        const { hash } = entry
        const invite: Message = { type: 'ahead_wanted', folder, hash }
        const stream = await this.#meeting.ask(link, { folder, purpose: 'ahead', id: hash }, invite)
        // What comes can be passed on again.
        const source = new Source({ entry, root, clock, place: stagedFile(root, entry.hash) })
        this.#offer(source, link.peer)
        isComplete = await receive({ root, entry, stream, clock, signal })
        this.#close(source, isComplete)
      }
    } catch (error) {
      log.debug({ event: 'ahead.not_staged', path: entry.path, reason: messageOf(error) })
    }
    log.debug({ event: 'ahead.staged', peer: link.name, path: entry.path, isComplete, durationMs: clock.now() - begun })
    if (isComplete) this.#forgetLater(entry.hash)
    else this.#staged.delete(entry.hash)
    return isComplete
  }

  #forgetLater(hash: string): void {
    const staged = this.#staged.get(hash)
    const forget = async (): Promise<void> => {
      await this.#options.clock.sleep(keptMs, this.#stop.signal)
      if (this.#staged.get(hash) === staged) await this.drop(hash)
    }
    void this.#running.track(forget())
  }
}

function isLarge({ kind, deleted, size }: Entry): boolean {
  return kind === 'file' && !deleted && size >= leastBytes
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
