import { join } from 'node:path'
import { readConfigText } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import { parseYaml } from '@spansync/common/config/parse'
import { formatHostPort, parseHostPort } from '@spansync/common/config/values'
import { reachable } from '../nats/greeting.ts'
import { type CoordinatorConfig, configSchema } from './schema.ts'

/** Reads and checks config.yaml. Throws NotInitialisedError or ConfigError. */
export function loadConfig(home: string): CoordinatorConfig {
  const file = configFileOf(home)
  return parseYaml({ file, text: readConfigText(file, 'spansync-coordinator') }, { schema: configSchema }).config
}

export function storeUrlOf(home: string, { store }: Pick<CoordinatorConfig, 'store'>): string {
  return store ?? `sqlite:${join(home, 'store.sqlite')}`
}

/** Where NATS is, as seen from this machine. */
export function natsUrlOf({ nats, listen }: Pick<CoordinatorConfig, 'nats' | 'listen'>): string {
  if (nats !== undefined) return nats
  const { host, port } = parseHostPort(listen) ?? { host: '127.0.0.1', port: 0 }
  return `tls://${formatHostPort({ host: reachable(host), port })}`
}

/** The coordinator's own key for NATS. */
export const credentialsFile = (home: string): string => join(home, 'nats.json')

export const natsDirectory = (home: string): string => join(home, 'nats')
