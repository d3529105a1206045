import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, pipeline } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Clock } from '@spansync/common/ports'

/** What went through, in bytes, as seen from this side. */
export interface Traffic {
  readonly sent: number
  readonly received: number
}

export interface Bridge extends AsyncDisposable {
  /** Absolute, and short enough for the address of a socket. */
  readonly socketPath: string
  traffic(): Traffic
  /** Rejects when the stream to the peer could not be opened. */
  readonly connected: Promise<void>
}

export interface BridgeOptions {
  readonly connect: (signal: AbortSignal) => Promise<Duplex>
  readonly clock: Clock
  readonly onProgress: () => void
  readonly signal: AbortSignal
}

/** The address of a socket holds about 104 bytes, less in some systems. */
const longestSocketPath = 90
/** For the far end's goodbye. */
const graceMs = 2000

/** A private socket for exactly one Unison client; its bytes go to and come from the stream that `connect` opens, which begins at
 *  once. Disposal ends the stream. */
export async function openBridge({ connect, clock, onProgress, signal }: BridgeOptions): Promise<Bridge> {
  const directory = await makePrivateDirectory()
  const socketPath = join(directory, 'u')
  const server = createServer()
  server.listen(socketPath)
  await once(server, 'listening')
  const counts = { sent: 0, received: 0 }
  const stop = new AbortController()
  const opening = connect(AbortSignal.any([signal, stop.signal]))
  const connected = opening.then(ignore)
  connected.catch(ignore)
  server.once('connection', (socket) => {
    server.close()
    socket.on('error', ignore)
    const count = (direction: 'sent' | 'received', bytes: number): void => {
      counts[direction] += bytes
      onProgress()
    }
    opening.then((stream) => joinStreams(socket, stream, count)).catch(() => socket.destroy())
  })
  return {
    socketPath,
    connected,
    traffic: () => ({ ...counts }),
    async [Symbol.asyncDispose]() {
      server.close()
      // Nobody waits for a far end that does not say goodbye.
      opening.then((stream) => endGently(stream, clock)).catch(ignore)
      stop.abort(new Error('the run is over'))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function joinStreams(
  socket: Socket,
  stream: Duplex,
  count: (direction: 'sent' | 'received', bytes: number) => void,
): void {
  stream.on('error', ignore)
  if (stream.destroyed) {
    socket.destroy()
    return
  }
  pipeline(socket, stream, ignore)
  pipeline(stream, socket, ignore)
  // Beside the pipes, not in them: a transform would copy every byte once more.
  socket.on('data', (chunk: Buffer) => count('sent', chunk.length))
  stream.on('data', (chunk: Buffer) => count('received', chunk.length))
}

/** Ends it, and destroys it if the other side does not do the same. */
export async function endGently(stream: Duplex, clock: Clock): Promise<void> {
  stream.on('error', ignore)
  if (stream.destroyed) return
  const enough = new AbortController()
  stream.end()
  stream.resume()
  await Promise.race([finished(stream).catch(ignore), clock.sleep(graceMs, enough.signal).catch(ignore)])
  enough.abort()
  stream.destroy()
}

async function makePrivateDirectory(): Promise<string> {
  // Braces and the like have a meaning in Unison's root.
  const usual = tmpdir()
  const base = Buffer.byteLength(usual) < longestSocketPath - 20 && /^[\w./-]+$/.test(usual) ? usual : '/tmp'
  // mkdtemp makes it for this user only (0700).
  return await mkdtemp(join(base, 'spansync-'))
}

function ignore(): void {}
