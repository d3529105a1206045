import type { Duplex } from 'node:stream'
import { TooManyPathsError } from './errors.ts'
import { LineSplitter, parseRequest, replies } from './monitor-protocol.ts'

/** `starting`: not yet asked anything. `busy`: scanning, transferring, or in the pause of one second that Unison makes after each
 *  cycle. `waiting`: a notice has effect at once. */
export type MonitorPhase = 'starting' | 'busy' | 'waiting' | 'closed'

/** Most paths that may wait for Unison. */
export const maxPendingPaths = 10_000

/** Answers, on one side of a pair, what Unison asks its file monitor: so the agent, which knows what changed, says it, and Unison
 *  looks only there. Tell both sides the same paths, the one that does not start the cycle first (`stage`): a path that Unison was not
 *  told of on one side counts as unchanged there, and one that the agent itself made there would be refused once. */
export class MonitorStandIn {
  #pending = new Set<string>()
  #phase: MonitorPhase = 'starting'
  #hash = ''
  #wanted = false
  #stream: Duplex | undefined
  #waiters: (() => void)[] = []
  readonly #takers = new Set<(paths: readonly string[]) => void>()

  get phase(): MonitorPhase {
    return this.#phase
  }

  /** Paths that Unison shall look at in its next cycle, whoever starts that. Relative, `/` between names; '' is the root. Throws
   *  TooManyPathsError beyond `maxPendingPaths`. */
  stage(paths: Iterable<string>): void {
    for (const path of paths) {
      if (this.#pending.size >= maxPendingPaths && !this.#pending.has(path))
        throw new TooManyPathsError(maxPendingPaths)
      this.#pending.add(path)
    }
  }

  /** As `stage`, and starts a cycle now, or as soon as Unison waits again. */
  notify(paths: Iterable<string>): void {
    this.stage(paths)
    this.#wanted = true
    if (this.#phase === 'waiting') this.#wake()
  }

  /** Called with the paths that Unison took, each time it begins a cycle. Gives back how to stop listening. */
  onTaken(listener: (paths: readonly string[]) => void): () => void {
    this.#takers.add(listener)
    return () => this.#takers.delete(listener)
  }

  /** Resolves when Unison waits for changes, at once if it does; that is one second after the end of a cycle. Also when closed. */
  async untilWaiting(): Promise<void> {
    if (this.#phase === 'waiting' || this.#phase === 'closed') return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  /** The pipe whose other end Unison's helper holds. */
  attach(stream: Duplex): void {
    this.#stream = stream
    const lines = new LineSplitter((line) => this.#answer(line))
    stream.on('data', (chunk: Buffer) => lines.push(chunk.toString('latin1')))
    stream.on('close', () => this.close())
    stream.on('error', () => undefined)
  }

  close(): void {
    this.#enter('closed')
    this.#stream?.destroy()
    this.#takers.clear()
  }

  #answer(line: string): void {
    if (this.#phase === 'closed') return
    const request = parseRequest(line)
    if (request.kind === 'version') this.#send(replies.version)
    else if (request.kind === 'wait') this.#wait(request.hash)
    else if (request.kind === 'changes') this.#give()
    else this.#work(request.kind)
  }

  #work(kind: 'scan' | 'reset' | 'other'): void {
    this.#enter('busy')
    // A reset precedes a full scan, which sees whatever was pending.
    if (kind === 'reset') this.#pending.clear()
    if (kind === 'scan') this.#send(replies.acknowledgement)
  }

  #wait(hash: string): void {
    this.#hash = hash
    this.#enter('waiting')
    if (this.#wanted) this.#wake()
  }

  #wake(): void {
    this.#enter('busy')
    this.#send(replies.changed(this.#hash))
  }

  #give(): void {
    const paths = [...this.#pending]
    this.#pending.clear()
    this.#wanted = false
    this.#enter('busy')
    this.#send(replies.changes(paths))
    for (const taker of this.#takers) taker(paths)
  }

  #enter(phase: MonitorPhase): void {
    if (this.#phase === 'closed') return
    this.#phase = phase
    if (phase !== 'waiting' && phase !== 'closed') return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #send(text: string): void {
    if (this.#stream?.writable) this.#stream.write(text)
  }
}
