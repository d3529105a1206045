import type { Socket } from 'node:net'
import type { FolderId } from '@spansync/common/core/causal/types'

export interface ByteCount {
  readonly sent: number
  readonly received: number
}

interface Counter {
  sent: number
  received: number
}

/** What the bytes of a socket count for. */
export interface TrafficOf {
  readonly folder?: FolderId
  /** Of the far end, as configured. */
  readonly address?: string
}

/** Bytes on the wire with one peer: everything inside TCP, summed over all connections, since this process started. Counted on the
 *  socket below TLS, so handshakes and records are in it. */
export class Traffic {
  readonly #open = new Map<Socket, TrafficOf>()
  readonly #past: Counter = { sent: 0, received: 0 }
  readonly #pastByFolder = new Map<FolderId, Counter>()
  readonly #pastByAddress = new Map<string, Counter>()

  /** Counts a socket from now on, and what it has carried so far. May be called again once more is known of it. */
  track(socket: Socket, of: TrafficOf = {}): void {
    const known = this.#open.get(socket)
    this.#open.set(socket, { ...known, ...of })
    if (known !== undefined) return
    if (socket.destroyed) this.#retire(socket)
    else socket.once('close', () => this.#retire(socket))
  }

  /** Resolves when the last socket is closed; those left when the signal aborts are destroyed. */
  async settled(signal: AbortSignal): Promise<void> {
    const sockets = [...this.#open.keys()]
    const destroy = (): void => {
      for (const socket of sockets) socket.destroy()
    }
    signal.addEventListener('abort', destroy, { once: true })
    await Promise.all(sockets.map(closed))
    signal.removeEventListener('abort', destroy)
  }

  get total(): ByteCount {
    const sum = { ...this.#past }
    for (const socket of this.#open.keys()) add(sum, socket)
    return sum
  }

  get byFolder(): ReadonlyMap<FolderId, ByteCount> {
    const sums = copyOf(this.#pastByFolder)
    for (const [socket, { folder }] of this.#open) if (folder !== undefined) add(counterOf(sums, folder), socket)
    return sums
  }

  /** Both ways together. */
  get byAddress(): ReadonlyMap<string, number> {
    const sums = copyOf(this.#pastByAddress)
    for (const [socket, { address = '' }] of this.#open) add(counterOf(sums, address), socket)
    return new Map([...sums].map(([address, { sent, received }]) => [address, sent + received]))
  }

  #retire(socket: Socket): void {
    const of = this.#open.get(socket)
    if (of === undefined) return
    this.#open.delete(socket)
    add(this.#past, socket)
    add(counterOf(this.#pastByAddress, of.address ?? ''), socket)
    if (of.folder !== undefined) add(counterOf(this.#pastByFolder, of.folder), socket)
  }
}

/** However it closes: events.once would reject when an error is the reason. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

function copyOf<K>(counters: ReadonlyMap<K, Counter>): Map<K, Counter> {
  return new Map([...counters].map(([key, count]) => [key, { ...count }]))
}

function counterOf<K>(counters: Map<K, Counter>, key: K): Counter {
  const counter = counters.get(key) ?? { sent: 0, received: 0 }
  counters.set(key, counter)
  return counter
}

function add(counter: Counter, socket: Socket): void {
  counter.sent += socket.bytesWritten
  counter.received += socket.bytesRead
}
