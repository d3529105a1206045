import { hostname } from 'node:os'
import { configExists, createConfig } from '@spansync/common/config/file'
import { initialConfig } from '@spansync/common/config/template'
import { namePattern, nameRule, parseHostPort } from '@spansync/common/config/values'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { Identity } from '../transport/identity.ts'

/** Registered with nobody, and not the port of a synchroniser that may run beside this one. */
export const defaultListen = '0.0.0.0:22070'

export interface SetupOptions {
  readonly name?: string | undefined
  readonly listen?: string | undefined
}

export interface Setup {
  readonly name: string
  readonly listen: string
  readonly identity: Identity
}

/** Makes the identity and the configuration of a home that has none. Throws UsageError. */
export async function setUp(
  home: string,
  { name = nameFromHost(hostname()), listen = defaultListen }: SetupOptions,
): Promise<Setup> {
  if (!namePattern.test(name)) {
    throw new UsageError(`\`${name}\` cannot be a name`, `use ${nameRule}: spansync init --name NODE`)
  }
  if (parseHostPort(listen) === undefined) {
    throw new UsageError(`\`${listen}\` is not host:port`, `use for example --listen ${defaultListen}`)
  }
  // The identity first: without a configuration the command can simply be given again.
  const { loadOrCreateIdentity } = await import('../transport/identity.ts')
  const identity = await loadOrCreateIdentity(home)
  await createConfig(home, initialConfig({ name, listen }))
  return { name, listen, identity }
}

/** The options of a command that can be the first on a machine. */
export function withSetup(command: Command): Command {
  return command
    .option('--name <node>', 'name of this machine, when it is not set up yet (default: its host name)')
    .option('--listen <host:port>', `where peers can dial it, when it is not set up yet (default: ${defaultListen})`)
}

/** Where the command can be the first that is given on a machine. */
export async function setUpUnlessDone(home: string, options: SetupOptions): Promise<'new' | 'there'> {
  if (configExists(home)) return 'there'
  await setUp(home, options)
  return 'new'
}

/** The first part of the host name, as far as a name may have its letters. */
export function nameFromHost(host: string): string {
  const plain = (host.split('.')[0] ?? '').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return plain.slice(0, 63) || 'node'
}
