import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { createCredentials, publicKeyOf, writeCredentials } from '@spansync/common/adapters/nats/credentials'
import { configExists, writeNewConfig } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import { parseYaml } from '@spansync/common/config/parse'
import { template } from '@spansync/common/config/template'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { credentialsFile, natsDirectory } from '../config/load.ts'
import { type CoordinatorConfig, configSchema, defaultListen, hostsOf } from '../config/schema.ts'
import { loadOrMakeServerCertificate } from '../nats/certificate.ts'
import { action, type Context, type Runner } from './context.ts'

interface InitOptions {
  readonly name?: string
  readonly listen: string
  readonly host?: readonly string[]
  readonly nats?: string
  readonly natsCert?: string
  readonly store?: string
}

/** This home has a configuration already. */
class AlreadyInitialisedError extends SpansyncError {
  constructor(file: string) {
    super({
      code: 'already_initialised',
      message: `${file} is there already`,
      remedy: 'go on with `spansync-coordinator nodes add`, or choose another home with --home',
    })
  }
}

export function addInitCommand(program: Command, runner: Runner): void {
  program
    .command('init')
    .description('make the keys and the configuration of a coordinator')
    .option('--name <name>', 'name of the coordinator (default: coordinator)')
    .option('--listen <host:port>', 'where agents reach the NATS server that it runs', defaultListen)
    .option('--host <name>', 'a name or address under which agents dial it; may be given again', collect)
    .option('--nats <url>', 'use this NATS server or cluster instead of running one')
    .option('--nats-cert <file>', 'the certificate of that server, when no public authority vouches for it')
    .option('--store <url>', 'sqlite:PATH or redis://host:6379 (default: a file in the home)')
    .addHelpText('after', '\nExample:\n  spansync-coordinator init --host server.lan')
    .action(action<[], InitOptions>(runner, (context, _args, options) => init(context, options)))
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

async function init(context: Context, options: InitOptions): Promise<void> {
  const { home } = context
  const { name = 'coordinator', listen, nats, natsCert, store, host } = options
  const file = configFileOf(home)
  if (configExists(home)) throw new AlreadyInitialisedError(file)
  const set = { name, listen, ...(host && { hosts: host }), ...(nats && { nats }), ...(store && { store }) }
  const title = '# Configuration of the coordinator on this machine.'
  const text = template({ title, shape: configSchema.shape, set })
  const { config } = parseYaml({ file, text }, { schema: configSchema })
  const server =
    nats === undefined
      ? (await loadOrMakeServerCertificate(natsDirectory(home), hostsOf(config))).cert
      : natsCert === undefined
        ? null
        : await readFile(resolve(context.cwd, natsCert), 'utf8')
  const credentials = createCredentials({ node: 'coordinator', name, server })
  await writeNewConfig(home, text)
  await writeCredentials(credentialsFile(home), credentials)
  context.print(
    [
      `${name} is ready in ${home}`,
      ...(nats === undefined ? [] : [`its public key for ${nats}: ${publicKeyOf(credentials)}`]),
      '',
      'Next:',
      '  spansync-coordinator run',
      '  spansync-coordinator nodes add NODE --id FINGERPRINT   (`spansync id` prints it there)',
      ...(nats === undefined
        ? []
        : ['  spansync-coordinator nats-config   (who may connect, for the configuration of that server)']),
      `  and on that machine: spansync coordinator set ${urlFor(config, nats)} --creds FILE`,
    ].join('\n'),
  )
}

function urlFor(config: CoordinatorConfig, nats: string | undefined): string {
  return nats ?? `tls://${hostsOf(config)[0] ?? hostname()}:${config.listen.split(':').at(-1)}`
}
