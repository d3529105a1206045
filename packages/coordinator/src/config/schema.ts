import { hostname } from 'node:os'
import { isDialable, namePattern, nameRule } from '@spansync/common/config/values'
import { logLevels } from '@spansync/common/runtime/log-levels'
import { z } from 'zod'

// This object is the type, the default, the help and the check of the coordinator's config.yaml, all at once.

/** Registered with nobody, and beside the agents' own. */
export const defaultListen = '0.0.0.0:22071'

const listen = z.string().refine(isDialable, `must be host:port, such as ${defaultListen}`)
const natsUrl = z.string().regex(/^(nats|tls):\/\/[^\s/]+/, 'must be a URL such as tls://nats.lan:4222')
const store = z
  .string()
  .regex(/^(sqlite:.+|rediss?:\/\/.+)/, 'must be sqlite:PATH or redis://host:6379 (rediss:// for TLS)')

export const configSchema = z.strictObject({
  name: z.string().regex(namePattern, `must be ${nameRule}`).describe('The name of this coordinator, for people'),
  listen: listen
    .default(defaultListen)
    .describe('Where agents reach the nats-server that the coordinator runs by itself, host:port'),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Names and addresses under which agents dial it, for credentials; empty: the host name of this machine'),
  nats: natsUrl.optional().describe('An existing NATS server or cluster to use instead of an own one'),
  store: store.optional().describe('Where state is kept: sqlite:PATH or redis://host:6379; absent: a file in the home'),
  logLevel: z.enum(logLevels).default('info').describe('How much `spansync-coordinator run` tells'),
})

export type CoordinatorConfig = Readonly<z.output<typeof configSchema>>

export function hostsOf({ hosts }: Pick<CoordinatorConfig, 'hosts'>): readonly string[] {
  return hosts.length > 0 ? hosts : [hostname()]
}
