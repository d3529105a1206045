import { hostname } from 'node:os'
import { configExists, createConfig } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import { initialConfig } from '@spansync/common/config/template'
import { namePattern, nameRule, parseHostPort } from '@spansync/common/config/values'
import { SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { action, type Context, type Runner } from './context.ts'

/** Registered with nobody, and not the port of a synchroniser that may run beside this one. */
export const defaultListen = '0.0.0.0:22070'

interface InitOptions {
  readonly name?: string
  readonly listen: string
  readonly json?: boolean
}

/** This home has a configuration already. */
class AlreadyInitialisedError extends SpansyncError {
  constructor(file: string) {
    super({
      code: 'already_initialised',
      message: `${file} is there already`,
      remedy: 'go on with `spansync id` and `spansync folder add`, or choose another home with --home',
    })
  }
}

export function addInitCommand(program: Command, runner: Runner): void {
  program
    .command('init')
    .description('make the identity and the configuration of this machine')
    .option('--name <node>', 'name of this machine (default: its host name)')
    .option('--listen <host:port>', 'where peers can dial this machine', defaultListen)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync init --name laptop --listen 0.0.0.0:22070')
    .action(action<[], InitOptions>(runner, (context, _args, options) => init(context, options)))
}

async function init(context: Context, options: InitOptions): Promise<void> {
  const name = options.name ?? nameFromHost(hostname())
  if (!namePattern.test(name)) {
    throw new UsageError(`\`${name}\` cannot be a name`, `use ${nameRule}: spansync init --name NODE`)
  }
  if (parseHostPort(options.listen) === undefined) {
    throw new UsageError(`\`${options.listen}\` is not host:port`, `use for example --listen ${defaultListen}`)
  }
  const { home } = context
  if (configExists(home)) throw new AlreadyInitialisedError(configFileOf(home))
  // The identity first: without a configuration the command can simply be given again.
  const { loadOrCreateIdentity } = await import('../transport/identity.ts')
  const identity = await loadOrCreateIdentity(home)
  await createConfig(home, initialConfig({ name, listen: options.listen }))
  if (options.json) return context.printJson({ node: name, id: identity.id, home, listen: options.listen })
  context.print(
    [
      `${name} is ready in ${home}`,
      `id: ${identity.id}`,
      '',
      'Next, here and on the other machines:',
      '  spansync peer add NODE HOST:PORT --id FINGERPRINT   (`spansync id` prints it there)',
      '  spansync folder add ID PATH',
      '  spansync run',
    ].join('\n'),
  )
}

/** The first part of the host name, as far as a name may have its letters. */
export function nameFromHost(host: string): string {
  const plain = (host.split('.')[0] ?? '').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return plain.slice(0, 63) || 'node'
}
