import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { FolderId, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import type { Clock, Link } from '@spansync/common/ports'
import type { MessageOf, StreamHeader } from '@spansync/common/protocol/messages'
import { messageOf, toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { BusyPair } from './busy-pair.ts'
import { EnoughSessionsError } from './errors.ts'
import { GiveWay } from './give-way.ts'
import { splitBySize } from './outgoing.ts'
import { Running } from './running.ts'
import type { SessionOutcome, SessionRequest } from './sessions.ts'
import type { Engine, RunRequest, ServeKeptRequest } from './unison-engine.ts'

export interface PairOptions {
  readonly folder: FolderId
  readonly root: string
  readonly self: NodeId
  readonly link: Link
  readonly engine: Engine
  readonly ignore: readonly string[]
  readonly clock: Clock
  readonly log: Logger
  /** Both replicas hold the same, as far as this side knows. */
  readonly isEqual: () => boolean
  readonly files: () => number
  /** Whether a running session for the pair is allowed, and would look at nothing that either side leaves out. */
  readonly mayKeep: () => boolean
  readonly hashes: (paths: readonly RelativePath[]) => ReadonlyMap<RelativePath, string>
}

interface Planned {
  readonly winner: 'local' | 'remote'
  /** See RunRequest. */
  readonly isStaged: boolean
  readonly request: SessionRequest
}

/** All Unison sessions of one folder with one peer, while their link is up. Whoever dialled runs the client; one run at a time per
 *  pair, whichever side asked for it. */
export class PairSessions implements AsyncDisposable {
  readonly busy: BusyPair
  readonly #options: PairOptions
  readonly #stop = new AbortController()
  readonly #asked = new Map<string, Asked>()
  readonly #running = new Running()
  /** When the last runs were, ms: a pair that is asked again and again is kept ready. */
  readonly #recent: number[] = []
  /** The end of the last run for many files: more are on their way, most likely, and a session's start costs a look at everything. */
  #bulkAt = Number.NEGATIVE_INFINITY
  #last: Promise<unknown> = Promise.resolve()
  #opening = false
  #openingNow: GiveWay | undefined
  /** How long somebody may have to wait for a session that is being opened. */
  #openingMs = openingMs
  #restUntil = 0

  constructor(options: PairOptions) {
    this.#options = options
    this.busy = new BusyPair(options.clock)
  }

  /** Brings paths from the peer to here. Never rejects. */
  async bring(request: SessionRequest): Promise<SessionOutcome> {
    const { link } = this.#options
    if (this.#stop.signal.aborted) return this.#lost()
    if (request.staging === undefined && this.busy.suits(request)) return await this.#bringQuickly(request)
    if (!link.dialed) return await this.#ask(request)
    const isStaged = request.staging !== undefined
    const outcome = await this.#inTurn(() => this.#runNow({ winner: 'remote', isStaged, request }))
    if (outcome.result === 'done' && request.staging === undefined) this.busy.noteBrought(request.paths)
    this.#considerKeeping()
    return outcome
  }

  /** The peer wants something of ours, and either did not dial or means the running session. */
  async onFetch(message: MessageOf<'fetch'>): Promise<void> {
    const { id, folder, covers, files, bytes, way } = message
    const paths = [...covers, ...message.paths]
    const answer = (outcome: MessageOf<'fetched'>['outcome'], detail: string): void => {
      // Always: the peer holds its claims until it hears how it ended.
      this.#options.link.send({ type: 'fetched', folder, id, outcome, detail: detail.slice(0, 4000) })
    }
    if (way === 'persistent') {
      if (!this.busy.isOpen) return answer('busy', 'there is no running session')
      const begin = (): Promise<boolean> => this.busy.begin(paths, this.#options.hashes(paths))
      const all = await (this.#options.link.dialed ? this.#inTurn(begin) : begin())
      // Silence says that it went well.
      return all ? undefined : answer('skipped', 'the running session left it')
    }
    if (!this.#options.link.dialed) return answer('failed', 'this side did not dial')
    const attempts = way === 'plain' ? 2 : 0
    const request = {
      isUndisturbed: undefined,
      paths,
      bytes,
      covers: new Set(covers),
      files,
      attempts,
      onlyUpdates: false,
      replacesKind: false,
      recheck: undefined,
    }
    const isStaged = way === 'staged'
    const { result, reason } = await this.#inTurn(() =>
      this.#runNow({ winner: 'local', isStaged, request }, streamFor(id)),
    )
    answer(result === 'refused' ? 'skipped' : result, reason)
    this.#considerKeeping()
  }

  /** Many files have passed without Unison, which is to learn of them when all is quiet. */
  noteParcel(): void {
    const now = this.#options.clock.now()
    // One is as good as all the runs that it saved.
    this.#recent.push(...Array<number>(busyRuns).fill(now))
    this.#bulkAt = now
    this.#considerKeeping()
  }

  onFetched({ id, outcome, detail }: MessageOf<'fetched'>): void {
    const result = outcome === 'done' ? 'done' : outcome === 'skipped' || outcome === 'busy' ? 'refused' : 'failed'
    this.#asked.get(id)?.answer({ result, reason: detail })
  }

  onStream(header: StreamHeader, stream: Duplex): void {
    const { engine, root, self, link, folder } = this.#options
    const serve = { folder, root, self, peer: link.peer, stream, signal: this.#stop.signal }
    // Whatever goes wrong, as when the disk has gone: a client that hears nothing waits until its watchdog ends it, and the pair with it.
    const refuse = (error: unknown): void => void stream.destroy(toSpansyncError(error))
    if (header.purpose === 'one-shot' || header.purpose === 'staged') {
      const serving = this.#serve(header, serve)
      serving.catch(refuse)
      return void this.#track(serving)
    }
    // The one before it ends with its coming.
    if (!this.busy.isOpen && !engine.mayKeep()) return void stream.destroy(new EnoughSessionsError())
    const { session, served } = engine.serveKept(serve)
    this.busy.attach(session)
    served.catch(refuse)
    void this.#track(served)
  }

  /** A run that this side has asked for may begin long after: its ground is looked at once more. One that is no longer waited for
   *  would bring what was wanted once, over whatever is here now. */
  async #serve({ id, purpose }: StreamHeader, serve: ServeKeptRequest): Promise<void> {
    const isStaged = purpose === 'staged'
    const wanted = requestOf(id)
    let { root } = serve
    if (wanted !== undefined) {
      const { isUndisturbed, staging } = this.#asked.get(wanted) ?? nothingAsked
      const isMeant = isStaged === (staging !== undefined)
      if (!isMeant || !(await isUndisturbed())) return void serve.stream.destroy(new Error('it is not wanted any more'))
      root = staging ?? root
    }
    await this.#options.engine.serve({ ...serve, root, isStaged, onlyGives: wanted === undefined })
  }

  /** Ends what is under way, which is told why. */
  async end(reason = 'the link went down'): Promise<void> {
    this.#stop.abort(new Error(reason))
    for (const { answer } of this.#asked.values()) answer(this.#lost())
    await this.#running.settled()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  #lost(): SessionOutcome {
    return { result: 'failed', reason: messageOf(this.#stop.signal.reason) }
  }

  /** Through the session that is running anyway: no start, no scan. What it refuses is dictated next. */
  async #bringQuickly(request: SessionRequest): Promise<SessionOutcome> {
    const { link, clock, log } = this.#options
    const begun = clock.now()
    const bringing = Promise.withResolvers<SessionOutcome>()
    const cycle = async (): Promise<void> => {
      const { arrived, cycled } = this.busy.stage(request.paths)
      // The peer answers only when it cannot.
      const { answered, forget } = this.#send(request, 'persistent')
      void arrived.then(() => bringing.resolve({ result: 'done', reason: '' }))
      void answered.then(bringing.resolve)
      await Promise.race([cycled, answered])
      forget()
      bringing.resolve({ result: 'refused', reason: 'the running session left it' })
    }
    // The turn ends with the cycle: only then has Unison written down what it did.
    const turn = link.dialed ? this.#inTurn(cycle) : cycle()
    turn.catch((error) => bringing.resolve({ result: 'failed', reason: messageOf(error) }))
    const outcome = await bringing.promise
    if (outcome.result === 'done') this.busy.noteBrought(request.paths)
    log.debug({
      event: 'session.cycled',
      peer: link.name,
      paths: request.paths.length,
      durationMs: clock.now() - begun,
    })
    return outcome
  }

  async #ask(request: SessionRequest): Promise<SessionOutcome> {
    let outcome: SessionOutcome = { result: 'done', reason: '' }
    const ready = await stillWanted(request)
    if (ready.length === 0) return changedMeanwhile
    for (const paths of splitBySize(ready, (path) => path.length * 3 + 8)) {
      const way = request.staging !== undefined ? 'staged' : isStubborn(request) ? 'plain' : 'force'
      const { answered, forget } = this.#send({ ...request, paths }, way)
      const enough = new AbortController()
      const next = await Promise.race([answered, this.#patience(request.bytes, enough.signal)]).finally(forget)
      enough.abort()
      if (next.result !== 'done') outcome = next
    }
    return outcome
  }

  /** Longer than the peer's own watchdog: for a peer that has forgotten us. */
  async #patience(bytes: number, signal: AbortSignal): Promise<SessionOutcome> {
    const { clock } = this.#options
    const either = AbortSignal.any([signal, this.#stop.signal])
    await clock.sleep(patienceMs + bytes / slowestBytesPerMs, either).catch(() => undefined)
    return { result: 'failed', reason: 'the peer did not answer' }
  }

  #send(
    { paths, covers, files, bytes, isUndisturbed, staging }: SessionRequest,
    way: MessageOf<'fetch'>['way'],
  ): { answered: Promise<SessionOutcome>; forget: () => void } {
    const id = randomBytes(6).toString('hex')
    const answered = new Promise<SessionOutcome>((answer) => {
      this.#asked.set(id, { answer, isUndisturbed: isUndisturbed ?? (() => Promise.resolve(true)), staging })
    })
    this.#options.link.send({
      type: 'fetch',
      folder: this.#options.folder,
      id,
      way,
      paths: paths.filter((path) => !covers.has(path)),
      covers: paths.filter((path) => covers.has(path)),
      files,
      bytes,
    })
    return { answered, forget: () => void this.#asked.delete(id) }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#openingNow?.hurry()
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return await this.#track(turn)
  }

  async #runNow({ winner, isStaged, request }: Planned, streamId?: string): Promise<SessionOutcome> {
    const { engine, folder, root, self, link, ignore, clock, log } = this.#options
    if (this.#stop.signal.aborted) return this.#lost()
    const ready = await stillWanted(request)
    if (ready.length === 0) return changedMeanwhile
    this.#recent.push(clock.now())
    const purpose = isStaged ? 'staged' : 'one-shot'
    const run: RunRequest = {
      folder,
      root: request.staging ?? root,
      folderRoot: root,
      isStaged,
      self,
      peer: link.peer,
      paths: ready,
      covers: request.covers,
      winner,
      ignore,
      files: request.files,
      bytes: request.bytes,
      rescan: isStubborn(request),
      mayGoOn: request.isUndisturbed,
      connect: (signal) => link.openStream({ folder, purpose, id: streamId ?? randomBytes(6).toString('hex') }, signal),
      signal: this.#stop.signal,
    }
    const begun = clock.now()
    try {
      const { result, reason } = await engine.run(run)
      const { paths, covers, files, bytes, attempts } = request
      if (files > bulkFiles) this.#bulkAt = clock.now()
      if (isStaged) this.busy.noteApart(paths)
      const durationMs = clock.now() - begun
      log.debug({
        event: 'session.done',
        peer: link.name,
        winner,
        isStaged,
        result,
        reason,
        paths: paths.length,
        covers: covers.size,
        files,
        bytes,
        attempts,
        durationMs,
      })
      return { result, reason }
    } catch (error) {
      log.debug({ event: 'session.failed', peer: link.name, err: error })
      return { result: 'failed', reason: messageOf(error) }
    }
  }

  /** A pair that was needed twice within a while is kept ready: opened when both sides are equal, so that Unison's first look finds
   *  nothing to do. */
  #considerKeeping(): void {
    const { clock, link, mayKeep } = this.#options
    while (this.#recent[0] !== undefined && clock.now() - this.#recent[0] > busyWithinMs) this.#recent.shift()
    if (!link.dialed || this.busy.isOpen || this.#opening || this.#recent.length < busyRuns || !mayKeep()) return
    if (clock.now() < this.#restUntil) return
    this.#opening = true
    void this.#track(
      this.#keep().finally(() => {
        this.#opening = false
      }),
    ).catch(() => {
      // Most likely the peer keeps enough of them, or something is going on here.
      this.#restUntil = clock.now() + refusedMs
    })
  }

  async #keep(): Promise<void> {
    const { clock, isEqual } = this.#options
    const begun = clock.now()
    while (!isEqual() || clock.now() - this.#bulkAt < restMs) {
      if (clock.now() - Math.max(begun, this.#bulkAt) >= keepMs) return
      await clock.sleep(keepPauseMs, this.#stop.signal)
    }
    await this.#inTurn(() => this.#open())
  }

  async #open(): Promise<void> {
    const { engine, folder, root, self, link, ignore, log, isEqual, clock } = this.#options
    if (!isEqual() || this.#stop.signal.aborted) return
    const begun = clock.now()
    this.busy.record()
    const connect = (signal: AbortSignal): Promise<Duplex> =>
      link.openStream({ folder, purpose: 'persistent', id: randomBytes(6).toString('hex') }, signal)
    const giveWay = new GiveWay(clock, this.#openingMs)
    this.#openingNow = giveWay
    const signal = AbortSignal.any([this.#stop.signal, giveWay.signal])
    try {
      const session = await engine.keep({ folder, root, self, peer: link.peer, ignore, connect, signal })
      this.busy.attach(session)
      this.#openingMs = openingMs
    } catch (error) {
      // Else it would be begun for nothing again and again.
      if (giveWay.signal.aborted) this.#openingMs = Math.min(openingMostMs, this.#openingMs * 2)
      throw error
    } finally {
      giveWay.done()
      this.#openingNow = undefined
    }
    log.debug({ event: 'session.kept', peer: link.name, durationMs: clock.now() - begun })
    void this.#track(this.#closeWhenIdle())
  }

  async #closeWhenIdle(): Promise<void> {
    while (this.busy.isOpen && this.#isWanted()) await this.#options.clock.sleep(idleCheckMs, this.#stop.signal)
    await this.busy.end()
    this.#considerKeeping()
  }

  /** A session that nobody needs gives its memory back. One that is asked again for files that have passed without it is opened anew in a
   *  quiet moment, for until then they cannot come through it; where that is a long look at everything, it is not worth it. */
  #isWanted(): boolean {
    const { clock, files, isEqual } = this.#options
    const hasMany = files() > manyFiles
    if (this.busy.isOutdated && !hasMany && isEqual()) return false
    return !this.busy.isStale && clock.now() - this.busy.lastUsedAt < (hasMany ? idleMsMany : idleMsFew)
  }

  #track<T>(work: Promise<T>): Promise<T> {
    work.catch((error) => this.#options.log.debug({ event: 'session.ended', err: error }))
    return this.#running.track(work)
  }
}

interface Asked {
  readonly answer: (outcome: SessionOutcome) => void
  readonly isUndisturbed: () => Promise<boolean>
  readonly staging: string | undefined
}

const nothingAsked = { isUndisturbed: () => Promise.resolve(false), staging: undefined }

/** The id of a stream for a run that the other side has asked for, and back. */
const streamFor = (request: string): string => `for-${request}`
const requestOf = (stream: string): string | undefined => /^for-(.*)$/.exec(stream)?.[1]

async function stillWanted({ paths, recheck }: SessionRequest): Promise<readonly RelativePath[]> {
  return recheck ? await recheck() : paths
}

function isStubborn({ attempts, replacesKind }: SessionRequest): boolean {
  return attempts > 1 || replacesKind
}

const patienceMs = 15 * 60_000
const slowestBytesPerMs = 4
const busyRuns = 2
const busyWithinMs = 60_000
const changedMeanwhile: SessionOutcome = { result: 'failed', reason: 'it changed here meanwhile' }
const bulkFiles = 100
const restMs = 4000
const keepMs = 15_000
const keepPauseMs = 250
/** About 2 KB per file and pair, on both ends. */
const manyFiles = 20_000
const idleMsMany = 60_000
const idleMsFew = 600_000
const idleCheckMs = 15_000
const refusedMs = 60_000
/** Unison pauses for a second before a session is open, and news is to be there within two. In a large folder its first look at
 *  everything takes longer, and what waits for it goes first. */
const openingMs = 1000
const openingMostMs = 24_000
