import { publicKeyOf, readCredentials } from '@spansync/common/adapters/nats/credentials'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { credentialsFile } from '../config/load.ts'
import { authorizationText, isPublicKey } from '../nats/server-config.ts'
import { action, type Context, type Runner, withStore } from './context.ts'

interface NatsConfigOptions {
  readonly coordinator?: readonly string[]
}

export function addNatsConfigCommand(program: Command, runner: Runner): void {
  program
    .command('nats-config')
    .description('print who may connect, for the configuration of a NATS server that you run yourself')
    .option(
      '--coordinator <key>',
      'public key of another coordinator that takes turns with this one; may be given again',
      collect,
    )
    .addHelpText(
      'after',
      [
        '',
        'Only with `init --nats URL`; a server that the coordinator runs gets this by itself. Print it anew after nodes were added or',
        'removed. The server needs JetStream, too. Example:',
        '  spansync-coordinator nats-config > spansync-users.conf     (and in nats.conf: include spansync-users.conf)',
        '  nats-server --signal reload',
      ].join('\n'),
    )
    .action(
      action<[], NatsConfigOptions>(runner, async (context, _args, options) => {
        context.print((await natsConfig(context, options)).trimEnd())
      }),
    )
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

async function natsConfig(context: Context, { coordinator: others = [] }: NatsConfigOptions): Promise<string> {
  for (const key of others) {
    if (!isPublicKey(key))
      throw new UsageError(
        `\`${key}\` is not a public key`,
        'use what `spansync-coordinator init --nats` printed there: U…',
      )
  }
  return await withStore(context, async (store) => {
    const own = await readCredentials(credentialsFile(context.home))
    const coordinators = [...new Set([publicKeyOf(own), ...others])]
    return authorizationText({ coordinators, nodes: await store.nodes.list() })
  })
}
