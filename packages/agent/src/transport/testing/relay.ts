import { connect, createServer, type Server, type Socket } from 'node:net'
import { parseHostPort } from '@spansync/common/config/values'

/** A TCP relay that can be slow, or go silent without closing anything, as a lost network does. */
export class Relay implements AsyncDisposable {
  readonly #sockets = new Set<Socket>()
  #waiters: (() => void)[] = []
  readonly #server: Server
  readonly #delayMs: number
  address = ''
  /** Connections taken so far. */
  taken = 0

  constructor(target: string, { delayMs = 0 }: { delayMs?: number } = {}) {
    this.#delayMs = delayMs
    const { host, port } = parseHostPort(target) ?? { host: '', port: 0 }
    this.#server = createServer((near) => {
      this.taken += 1
      const far = connect({ host, port })
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.once('close', () => this.#closed(socket))
      }
      near.on('data', (data) => this.#late(() => far.write(data))).on('close', () => this.#late(() => far.destroy()))
      far.on('data', (data) => this.#late(() => near.write(data))).on('close', () => this.#late(() => near.destroy()))
    })
  }

  /** Connections open now. */
  get open(): number {
    return this.#sockets.size / 2
  }

  /** Resolves when no connection is open. */
  async idle(): Promise<void> {
    while (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.address = `127.0.0.1:${(this.#server.address() as { port: number }).port}`
    return this
  }

  /** Nothing passes any more, in either direction, and nobody is told. */
  goSilent(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').removeAllListeners('close').resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #closed(socket: Socket): void {
    this.#sockets.delete(socket)
    for (const wake of this.#waiters.splice(0)) wake()
  }

  #late(act: () => void): void {
    if (this.#delayMs === 0) act()
    else setTimeout(act, this.#delayMs)
  }
}
