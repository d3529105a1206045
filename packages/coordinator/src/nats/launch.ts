import type { Clock } from '@spansync/common/ports'
import { NatsPortInUseError, NatsServerFailedError } from './errors.ts'
import { whoListens } from './greeting.ts'
import type { ServerFiles } from './server-files.ts'
import {
  cutLog,
  logSince,
  logSize,
  type ServerProcess,
  startProcess,
  stopProcess,
  untilTrue,
} from './server-process.ts'

/** A slow disk with a large store takes its time. */
const readyMs = 20_000
const pollMs = 20

export interface LaunchOptions {
  readonly program: string
  readonly files: ServerFiles
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Starts nats-server and waits until it takes connections. Throws NatsPortInUseError, NatsServerFailedError, or the signal's
 *  reason; then nothing is left running. */
export async function launch({ program, files, host, port, clock, signal }: LaunchOptions): Promise<ServerProcess> {
  const { configFile, logFile } = files
  if ((await whoListens({ host, port })).kind !== 'nobody') throw new NatsPortInUseError(port)
  await cutLog(logFile)
  const offset = await logSize(logFile)
  const started = await startProcess({ program, configFile, logFile, clock })
  const over = new AbortController()
  const isOver = started.ended(over.signal).then(
    () => true,
    () => false,
  )
  try {
    const ended = isOver.then(async (hasEnded) => {
      if (hasEnded) throw failure(await logSince(logFile, offset), { port, logFile })
    })
    await Promise.race([untilReady({ files, host, port, clock, signal }), ended])
    return started
  } catch (error) {
    await stopProcess(started, clock)
    throw error
  } finally {
    over.abort()
  }
}

/** Whoever answers under the server's own name is the server. */
export async function untilReady(options: Omit<LaunchOptions, 'program'>): Promise<void> {
  const { files, host, port, clock, signal } = options
  const limit = new AbortController()
  const late = new NatsServerFailedError(`took no connection within ${readyMs} ms`, files.logFile)
  const timer = clock.sleep(readyMs, limit.signal).then(
    () => limit.abort(late),
    () => undefined,
  )
  try {
    await untilTrue({ clock, everyMs: pollMs, signal: AbortSignal.any([signal, limit.signal]) }, async () => {
      const listening = await whoListens({ host, port })
      return listening.kind === 'nats' && listening.name === files.serverName
    })
  } finally {
    limit.abort()
    await timer
  }
}

/** What it wrote before it ended, in words. */
function failure(said: string, { port, logFile }: { port: number; logFile: string }): Error {
  if (/address already in use/i.test(said)) return new NatsPortInUseError(port)
  const lines = said.split('\n').filter((line) => /\[(?:ERR|FTL)\]|^nats-server: /.test(line))
  const last = lines.at(-1)?.replace(/^.*\[(?:ERR|FTL)\] |^nats-server: /, '')
  return new NatsServerFailedError(`ended at once${last === undefined ? '' : `: ${last}`}`, logFile)
}
