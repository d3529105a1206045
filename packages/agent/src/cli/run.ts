import { onSignals } from '@spansync/common/cli/signals'
import { loadConfig } from '@spansync/common/config/file'
import { timeVariablesIn } from '@spansync/common/runtime/clock'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { Daemon, DaemonOptions, StartDaemon } from '../control/api.ts'
import { version } from '../version.ts'
import { action, type Context, type Runner } from './context.ts'

export function addRunCommand(program: Command, runner: Runner): void {
  program
    .command('run')
    .description('run the agent in the foreground, until Ctrl-C; its log goes to standard output')
    .addHelpText('after', '\nExample:\n  spansync run')
    .action(
      action<[], object>(runner, async (context) => {
        const start: StartDaemon = async (options) => (await import('../daemon/daemon.ts')).startDaemon(options)
        await runDaemon(context, start)
      }),
    )
}

/** Holds the home, runs the daemon and the local interface until SIGINT, SIGTERM or `stop`. Resolves after a clean stop; throws when the
 *  daemon could not start or could not go on. */
export async function runDaemon(context: Pick<Context, 'home' | 'stdout' | 'env'>, start: StartDaemon): Promise<void> {
  const { home } = context
  const config = loadConfig(home)
  const { lockHome } = await import('../control/lock.ts')
  const { createRunLogger } = await import('@spansync/common/cli/run-logger')
  const log = createRunLogger(context, { level: config.advanced.logLevel, fields: { node: config.name } })
  const stopping = new AbortController()
  const stop = (reason: string): void => stopping.abort(new Error(reason))
  await using resources = new AsyncDisposableStack()
  resources.use(lockHome(home))
  resources.use(onSignals(stop))
  resources.use(onFault((error) => log.fatal({ event: 'agent.fault', err: error }, 'a fault in spansync')))
  log.info({ event: 'agent.starting', version, pid: process.pid, home }, 'starting')
  const variables = timeVariablesIn(context.env)
  if (variables.length > 0)
    log.warn({ event: 'agent.time_changed', variables }, 'only for tests: unset them, for policies go by another time')
  const { signal } = stopping
  for (let current = config; ; current = loadConfig(home)) {
    const ending = await runOnce({ start, stop, options: { home, config: current, log, signal } })
    if (ending === 'stopped') return
    log.info({ event: 'agent.restarting' }, 'with the new identity')
  }
}

interface Life {
  readonly start: StartDaemon
  readonly stop: (reason: string) => void
  readonly options: DaemonOptions
}

async function runOnce({ start, stop, options }: Life): Promise<'stopped' | 'outdated'> {
  const { home, log, signal } = options
  const { startControlServer } = await import('../control/server.ts')
  await using resources = new AsyncDisposableStack()
  const daemon = await startUnlessStopped(start, options)
  if (daemon === undefined) return 'stopped'
  resources.use(daemon)
  const { handlers } = daemon
  const server = await startControlServer({ home, handlers, stop: () => stop('asked to'), log })
  resources.use(server)
  log.info({ event: 'agent.started', socket: server.socket }, 'running')
  const ending = await ended(signal, daemon)
  if (ending === 'stopped') log.info({ event: 'agent.stopping', reason: messageOf(signal.reason) }, 'stopping')
  await resources.disposeAsync()
  if (ending === 'stopped') log.info({ event: 'agent.stopped' }, 'stopped')
  return ending
}

/** Undefined when the signal came before it had started. */
async function startUnlessStopped(start: StartDaemon, options: DaemonOptions): Promise<Daemon | undefined> {
  try {
    return await start(options)
  } catch (error) {
    if (options.signal.aborted && error === options.signal.reason) return undefined
    throw error
  }
}

/** Puts on record what ends the process from somewhere in the background. */
function onFault(record: (error: Error) => void): Disposable {
  process.on('uncaughtExceptionMonitor', record)
  return { [Symbol.dispose]: () => void process.off('uncaughtExceptionMonitor', record) }
}

function ended(
  signal: AbortSignal,
  { failed, outdated }: Pick<Daemon, 'failed' | 'outdated'>,
): Promise<'stopped' | 'outdated'> {
  const aborted = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped')
    else signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const renewed = outdated?.then(() => 'outdated' as const)
  return Promise.race([aborted, failed, renewed].filter((one) => one !== undefined))
}
