import type { Clock } from '@spansync/common/ports'
import { NatsReloadError } from './errors.ts'
import type { ServerFiles } from './server-files.ts'
import { logSince, logSize, type ServerProcess, sendSignal, stopProcess, untilTrue } from './server-process.ts'

const reloadMs = 5000
const pollMs = 20

/** Makes a running server read its configuration again, and waits until it has. Throws NatsReloadError. */
export async function reloadServer(server: ServerProcess, { logFile }: ServerFiles, clock: Clock): Promise<void> {
  // Windows has no such signal: there it has to be started again, which its supervision does.
  if (process.platform === 'win32') return stopProcess(server, clock)
  const offset = await logSize(logFile)
  // It is gone: whoever starts it again starts it with what is written now.
  if (!(await server.isRunning()) || !sendSignal(server.pid, 'SIGHUP')) return
  const limit = new AbortController()
  const late = clock.sleep(reloadMs, limit.signal).then(
    () => limit.abort(new NatsReloadError(`it said nothing within ${reloadMs} ms`, logFile)),
    () => undefined,
  )
  try {
    await untilTrue({ clock, everyMs: pollMs, signal: limit.signal }, async () => {
      const said = await logSince(logFile, offset)
      const failure = /\[ERR\] Failed to reload server configuration: (.*)/.exec(said)
      if (failure !== null) throw new NatsReloadError(failure[1] ?? '', logFile)
      return said.includes('[INF] Reloaded server configuration')
    })
  } finally {
    limit.abort()
    await late
  }
}
