import { createRunLogger } from '@spansync/common/cli/run-logger'
import { onSignals } from '@spansync/common/cli/signals'
import { parseYaml } from '@spansync/common/config/parse'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { loadConfig } from '../config/load.ts'
import { type CoordinatorConfig, configSchema } from '../config/schema.ts'
import { version } from '../version.ts'
import { action, type Context, type Runner } from './context.ts'

interface RunOptions {
  readonly nats?: string
  readonly store?: string
}

export function addRunCommand(program: Command, runner: Runner): void {
  program
    .command('run')
    .description('run the coordinator in the foreground, until Ctrl-C; its log goes to standard output')
    .option('--nats <url>', 'use this NATS server or cluster instead of running one')
    .option('--store <url>', 'sqlite:PATH or redis://host:6379')
    .addHelpText('after', '\nExample:\n  spansync-coordinator run --store redis://127.0.0.1:6379')
    .action(action<[], RunOptions>(runner, (context, _args, options) => run(context, options)))
}

async function run(context: Context, options: RunOptions): Promise<void> {
  const { home } = context
  const config = withOptions(loadConfig(home), options)
  const log = createRunLogger(context, { level: config.logLevel, fields: { coordinator: config.name } })
  const stopping = new AbortController()
  using _signals = onSignals((name) => stopping.abort(new Error(name)))
  log.info({ event: 'coordinator.starting', version, pid: process.pid, home }, 'starting')
  const { startCoordinator } = await import('../daemon/daemon.ts')
  await using daemon = await startCoordinator({ home, config, log, signal: stopping.signal }).catch((error) => {
    if (stopping.signal.aborted) return undefined
    throw error
  })
  if (daemon === undefined) return
  log.info({ event: 'coordinator.started' }, 'running')
  await new Promise<void>((resolve) => {
    if (stopping.signal.aborted) resolve()
    stopping.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info({ event: 'coordinator.stopping', reason: messageOf(stopping.signal.reason) }, 'stopping')
}

/** What the command line says wins, and is checked like the file. */
function withOptions(config: CoordinatorConfig, { nats, store }: RunOptions): CoordinatorConfig {
  if (nats === undefined && store === undefined) return config
  const text = stringify({ ...config, ...(nats && { nats }), ...(store && { store }) })
  return parseYaml({ file: 'command line', text }, { schema: configSchema }).config
}
