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

/** Bytes on the wire with one peer: everything inside TCP, summed over all connections, since this process started. Counted on the
 *  socket below TLS, so handshakes and records are in it. */
export class Traffic {
  readonly #open = new Map<Socket, FolderId | undefined>()
  readonly #past: Counter = { sent: 0, received: 0 }
  readonly #pastByFolder = new Map<FolderId, Counter>()

  /** Counts a socket from now on, and what it has carried so far. May be called again once its folder is known. */
  track(socket: Socket, folder?: FolderId): void {
    const known = this.#open.has(socket)
    this.#open.set(socket, folder)
    if (known) return
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
    const sums = new Map([...this.#pastByFolder].map(([folder, count]) => [folder, { ...count }] as const))
    for (const [socket, folder] of this.#open) if (folder !== undefined) add(counterOf(sums, folder), socket)
    return sums
  }

  #retire(socket: Socket): void {
    const folder = this.#open.get(socket)
    if (!this.#open.delete(socket)) return
    add(this.#past, socket)
    if (folder !== undefined) add(counterOf(this.#pastByFolder, folder), socket)
  }
}

/** However it closes: events.once would reject when an error is the reason. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

function counterOf(counters: Map<FolderId, Counter>, folder: FolderId): Counter {
  const counter = counters.get(folder) ?? { sent: 0, received: 0 }
  counters.set(folder, counter)
  return counter
}

function add(counter: Counter, socket: Socket): void {
  counter.sent += socket.bytesWritten
  counter.received += socket.bytesRead
}
