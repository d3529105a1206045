import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'

/** One half of a Unison session that goes on running: how this node tells it what to look at. */
export interface KeptSession {
  /** Unison is idle and listens; otherwise it is at work, or in the pause of a second after it. */
  readonly isWaiting: boolean
  /** These paths are looked at in the next cycle, which the other side starts. */
  stage(paths: readonly RelativePath[]): void
  /** Starts a cycle over these paths and what is staged on both sides. */
  notify(paths: readonly RelativePath[]): void
  /** Calls back at the end of each cycle with what it did. Only the client's side knows it. */
  readonly onCycle: ((listener: (result: CycleResult) => void) => () => void) | undefined
  /** Resolves when the session is over. */
  readonly closed: Promise<unknown>
  close(): void
}

export interface CycleResult {
  readonly transferred: number
  readonly skipped: number
  readonly failed: number
}

export interface Asked {
  readonly paths: readonly RelativePath[]
  /** Every path is a file here already: the running session creates and deletes nothing. */
  readonly onlyUpdates: boolean
  readonly bytes: number
  readonly attempts: number
}

const mostPaths = 200
const mostBytes = 16 << 20
const mostStrayed = 20_000
/** A server's side hears from the client's when a cycle left something; this is for when it does not. */
const cycleMs = 10_000

/** What one side knows of the running session of a pair: whether it is there, and which paths have changed here in another way since
 *  it began. For those Unison's memory of the pair is stale, and undecided it could even take the wrong direction; they are always
 *  dictated. */
export class BusyPair {
  readonly #clock: Clock
  readonly #strayed = new Set<RelativePath>()
  /** What the peer has asked for, until its next word shows that it has it. */
  readonly #lent = new Map<RelativePath, string>()
  readonly #awaited = new Set<{ readonly paths: Set<RelativePath>; readonly done: () => void }>()
  #session: KeptSession | undefined
  /** A session is being opened: what changes from now on, it may not know. */
  #isRecording = false
  /** What has passed since the session began in runs of their own, of which it does not know. */
  readonly #apart = new Set<RelativePath>()
  /** It is asked for the same again and again, and cannot bring it. */
  #isOutdated = false
  lastUsedAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#session !== undefined
  }

  /** Too much has changed elsewhere for the session to be of use. */
  get isStale(): boolean {
    return this.#strayed.size >= mostStrayed
  }

  get isOutdated(): boolean {
    return this.#isOutdated
  }

  /** These have passed in a run of which neither end remembers anything. */
  noteApart(paths: Iterable<RelativePath>): void {
    if (!this.isOpen) return
    for (const path of paths) {
      this.#isOutdated ||= this.#apart.has(path)
      if (this.#apart.size < mostStrayed) this.#apart.add(path)
    }
  }

  /** Before a session is opened. */
  record(): void {
    this.#isRecording = true
    this.#isOutdated = false
    this.#apart.clear()
    this.#strayed.clear()
    this.#lent.clear()
  }

  attach(session: KeptSession): void {
    this.#session?.close()
    this.#session = session
    if (!this.#isRecording) this.record()
    this.lastUsedAt = this.#clock.now()
    const forget = (): void => {
      if (this.#session !== session) return
      this.#session = undefined
      this.#isRecording = false
    }
    session.closed.then(forget, forget)
  }

  close(): void {
    this.#session?.close()
  }

  /** Resolves when it is closed. */
  async end(): Promise<void> {
    const { closed } = this.#session ?? {}
    this.close()
    await closed?.catch(() => undefined)
  }

  /** Whether these paths may be brought by the running session. */
  suits({ paths, bytes, attempts, onlyUpdates }: Asked): boolean {
    if (!this.#session?.isWaiting || attempts > 0 || !onlyUpdates || this.isStale) return false
    if (paths.length > mostPaths || bytes > mostBytes) return false
    return !paths.some((path) => this.#strayed.has(path))
  }

  /** The receiver's part, before it asks the peer to begin. `arrived`: everything is here and in the index. `cycled`: the cycle is
   *  over, as far as this side can tell. */
  stage(paths: readonly RelativePath[]): { arrived: Promise<void>; cycled: Promise<unknown> } {
    this.lastUsedAt = this.#clock.now()
    const { promise: arrived, resolve: done } = Promise.withResolvers<void>()
    const awaited = { paths: new Set(paths), done }
    this.#awaited.add(awaited)
    const cycled = this.#cycle().finally(() => this.#awaited.delete(awaited))
    this.#session?.stage(paths)
    return { arrived, cycled: this.#session?.onCycle ? cycled : Promise.race([cycled, arrived]) }
  }

  /** The sender's part. Resolves at the end of the cycle where this side can know it; false when something was left undone. */
  async begin(paths: readonly RelativePath[], hashes: ReadonlyMap<RelativePath, string>): Promise<boolean> {
    const session = this.#session
    if (!session) return false
    this.lastUsedAt = this.#clock.now()
    for (const path of paths) this.#lent.set(path, hashes.get(path) ?? '')
    const cycled = session.onCycle ? this.#cycle() : undefined
    session.notify(paths)
    if (!session.onCycle) return true
    const result = await cycled
    return result !== undefined && result.transferred >= paths.length && result.skipped + result.failed === 0
  }

  /** Rows changed here. */
  noteChanged(paths: readonly RelativePath[]): void {
    if (!this.#isRecording) return
    for (const path of paths) if (this.#strayed.size < mostStrayed) this.#strayed.add(path)
    for (const awaited of this.#awaited) {
      for (const path of paths) awaited.paths.delete(path)
      if (awaited.paths.size > 0) continue
      this.#awaited.delete(awaited)
      awaited.done()
    }
  }

  /** These came from the peer through Unison: its memory of the pair is right about them. */
  noteBrought(paths: Iterable<RelativePath>): void {
    for (const path of paths) this.#strayed.delete(path)
  }

  /** The peer has said what it knows: what it was lent and holds now is in step again. */
  noteHeld(holds: (path: RelativePath, hash: string) => boolean): void {
    for (const [path, hash] of this.#lent) {
      if (!holds(path, hash)) continue
      this.#strayed.delete(path)
      this.#lent.delete(path)
    }
  }

  /** Until the next end of a cycle, the end of the session, or too long. */
  async #cycle(): Promise<CycleResult | undefined> {
    const session = this.#session
    if (!session) return undefined
    const late = new AbortController()
    const timeout = this.#clock.sleep(cycleMs, late.signal).catch(() => undefined)
    let stop: (() => void) | undefined
    const ended = new Promise<CycleResult>((resolve) => {
      stop = session.onCycle?.(resolve)
    })
    const closed = session.closed.then(
      () => undefined,
      () => undefined,
    )
    // The client's side waits for the end itself, however long a slow link takes: the turn must not end before. Unison's watchdog
    // ends a cycle in which nothing moves.
    const result = await Promise.race(session.onCycle ? [ended, closed] : [closed, timeout.then(() => undefined)])
    late.abort()
    stop?.()
    return result
  }
}
