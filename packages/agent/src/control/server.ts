import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Clock } from '@spansync/common/ports'
import { systemClock } from '@spansync/common/runtime/clock'
import type { Logger } from '@spansync/common/runtime/logger'
import type { ControlHandlers } from './api.ts'
import { prepareSocketDirectory, socketPathOf } from './endpoint.ts'
import { respond } from './routes.ts'

const graceMs = 1000

export interface ControlServerOptions {
  readonly home: string
  readonly handlers: ControlHandlers
  /** Asked for by `stop`: must return at once. */
  readonly stop: () => void
  readonly log: Logger
  readonly clock?: Clock
}

export interface ControlServer extends AsyncDisposable {
  readonly socket: string
}

/** Listens for the command line. The caller holds the home's lock, so a socket file that is there is a dead one. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { home, handlers, stop, log, clock = systemClock } = options
  const socket = socketPathOf(home)
  prepareSocketDirectory(home, socket)
  removeSocket(socket)
  const ended = new AbortController()
  const server = createServer({ keepAlive: false }, (request, response) => {
    void respond({ handlers, stop, log, clock, ended: ended.signal }, request, response)
  })
  // A `sync --wait` may take as long as its own limit says.
  server.requestTimeout = 0
  await listen(server, socket)
  if (process.platform !== 'win32') chmodSync(socket, 0o600)
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      ended.abort(new Error('the daemon is stopping'))
      await close(server, clock)
    },
  }
}

function removeSocket(socket: string): void {
  if (process.platform !== 'win32') rmSync(socket, { force: true })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Answers that are under way are let go out; whoever does not take his is cut off. */
async function close(server: Server, clock: Clock): Promise<void> {
  const closed = new AbortController()
  const cut = clock.sleep(graceMs, closed.signal).then(
    () => server.closeAllConnections(),
    () => {},
  )
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  closed.abort()
  await cut
}
