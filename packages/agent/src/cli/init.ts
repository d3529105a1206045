import { configExists } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { action, type Context, type Runner } from './context.ts'
import { defaultListen, setUp } from './setup.ts'

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
  const { home } = context
  if (configExists(home)) throw new AlreadyInitialisedError(configFileOf(home))
  const { name, listen, identity } = await setUp(home, options)
  if (options.json) return context.printJson({ node: name, id: identity.id, home, listen })
  context.print(
    [
      `${name} is ready in ${home}`,
      `id: ${identity.id}`,
      '',
      'Next:',
      '  spansync folder add ID PATH',
      '  spansync run',
      'and to let another machine in, here:',
      '  spansync invite',
    ].join('\n'),
  )
}
