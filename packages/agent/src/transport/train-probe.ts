import { randomBytes } from 'node:crypto'
import type { Clock } from '@spansync/common/ports'
import type { ControlChannel } from './control-channel.ts'
import { type Frame, maxNoteBytes } from './control-frame.ts'
import { decodeTrain, encodeTrain } from './train-frame.ts'
import { nextTrain, type TrainSeen, trainRate, trainSizes } from './train-plan.ts'

/** Whoever has not heard of its train by then goes on without a figure. */
const patienceMs = 5000
const mostBytes = Math.max(...trainSizes)

export interface TrainProbeOptions {
  readonly channel: ControlChannel
  readonly clock: Clock
  /** Bytes per second; undefined: the peer did not answer in time. */
  readonly onMeasured: (bytesPerSecond: number | undefined) => void
}

/** Measures a link with a few trains over its control channel: one end sends, the other says how they came. */
export class TrainProbe {
  readonly #options: TrainProbeOptions
  readonly #seen: TrainSeen[] = []
  readonly #over = new AbortController()
  #sending: number | undefined
  #arrivedAt = 0
  #incoming: { readonly bytes: number; readonly since: number; left: number } | undefined

  constructor(options: TrainProbeOptions) {
    this.#options = options
  }

  get running(): boolean {
    return this.#sending !== undefined
  }

  start(): void {
    const { clock } = this.#options
    clock.sleep(patienceMs, this.#over.signal).then(
      () => this.#finish(),
      () => undefined,
    )
    this.#sendNext()
  }

  stop(): void {
    this.#over.abort()
    this.#sending = undefined
  }

  /** Bytes came in on the control connection; `handle` may be called a little later, when they are unpacked. */
  received(): void {
    this.#arrivedAt = performance.now()
  }

  /** A train, filler or train_seen frame. */
  handle({ kind, payload }: Frame): void {
    if (kind === 'filler') return this.#fill(payload.length)
    const note = decodeTrain(payload)
    if (note === undefined || note.bytes === 0 || note.bytes > mostBytes) return
    if (kind === 'train') this.#incoming = { bytes: note.bytes, left: note.bytes, since: this.#arrivedAt }
    else if (kind === 'train_seen' && note.bytes === this.#sending) {
      this.#seen.push(note)
      this.#sendNext()
    }
  }

  #fill(bytes: number): void {
    const train = this.#incoming
    if (train === undefined) return
    train.left -= bytes
    if (train.left > 0) return
    this.#incoming = undefined
    const durationMs = this.#arrivedAt - train.since
    this.#options.channel.send('train_seen', encodeTrain({ bytes: train.bytes, durationMs }))
  }

  #sendNext(): void {
    const { channel } = this.#options
    const bytes = nextTrain(this.#seen)
    if (bytes === undefined) return this.#finish()
    this.#sending = bytes
    channel.send('train', encodeTrain({ bytes, durationMs: 0 }))
    // After the announcement has left on its own: its arrival starts the clock at the far end.
    setImmediate(() => {
      if (this.#sending !== bytes) return
      // Random, for the channel compresses.
      for (let left = bytes; left > 0; left -= maxNoteBytes) {
        channel.send('filler', randomBytes(Math.min(left, maxNoteBytes)))
      }
    })
  }

  #finish(): void {
    this.stop()
    this.#options.onMeasured(trainRate(this.#seen))
  }
}
