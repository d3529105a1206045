import { homedir } from 'node:os'
import { isAbsolute, join, normalize } from 'node:path'
import { z } from 'zod'
import type { FolderId, NodeId } from '../core/causal/types.ts'
import { logLevels } from '../runtime/log-levels.ts'
import { bytes, name, parsed, throughput } from './fields.ts'
import { folderPolicy, linkPolicy, networkPolicy } from './policy-schema.ts'
import { parseBytes, parseDuration } from './units.ts'
import { fingerprintProblem, isDialable, normaliseFingerprint, parseHostPort } from './values.ts'

// This object is the type, the default, the help and the check of config.yaml, all at once.

const folderId = name as unknown as z.ZodType<FolderId, string>
const fingerprint = parsed((text) => normaliseFingerprint(text) as NodeId | undefined, fingerprintProblem)
const listenAddress = z
  .string()
  .refine((text) => parseHostPort(text) !== undefined, 'must be host:port, such as 0.0.0.0:22070 or [::]:22070')
const peerAddress = z.string().refine(isDialable, 'must be host:port, such as nas.example.org:22070')
const absolutePath = parsed(expandPath, 'must be an absolute path, such as /home/ann/docs or ~/docs')
const coordinatorUrl = z.string().regex(/^(nats|tls):\/\/[^\s/]+/, 'must be a URL such as tls://server:22071')

const pricePerGb = z.number().min(0).optional()
const latency = parsed(parseDuration, 'must be a time such as 20ms').optional()
const dataCap = parsed(parseBytes, 'must be a size such as 5GB or 500MB').optional()

/** One address with costs of its own: what is absent is as for the peer. */
const pricedAddress = z
  .strictObject({
    address: peerAddress,
    pricePerGb,
    throughput: throughput.optional(),
    latency,
    dataCap,
    metered: z.boolean().optional(),
  })
  .transform(({ throughput, latency, dataCap, ...rest }) => ({
    ...rest,
    throughputBps: throughput,
    latencyMs: latency,
    dataCapBytes: dataCap,
  }))

const address = z.union(
  [peerAddress.transform((text) => ({ address: text })), pricedAddress],
  'must be host:port, such as nas.example.org:22070',
)

export type AddressConfig = z.output<typeof pricedAddress>

/** Those addresses that have costs of their own. */
function pricedAmong(addresses: readonly z.output<typeof address>[]): { priced?: readonly AddressConfig[] } {
  const priced = addresses.filter((one): one is AddressConfig => Object.keys(one).length > 1)
  return priced.length === 0 ? {} : { priced }
}

const peer = z
  .strictObject({
    id: fingerprint.describe('Fingerprint of the peer: what `spansync id` prints on that machine'),
    addresses: z
      .array(address)
      .default([])
      .describe(
        'Where to dial it, host:port, best first; with costs of its own: {address, metered, pricePerGb, dataCap, throughput, latency}; ' +
          'empty: the peer dials this machine',
      ),
    pricePerGb: pricePerGb.describe('Price of a gigabyte over this link, in any currency'),
    throughput: throughput.optional().describe('Expected throughput of this link, such as 10mbit; absent: measured'),
    latency: latency.describe('Expected round trip of this link, such as 20ms; absent: measured'),
    dataCap: dataCap.describe(
      'Most bytes over this link in a calendar month, both ways together, such as 5GB; then plans leave it alone',
    ),
    dataCapWarning: z
      .number()
      .min(1)
      .max(100)
      .optional()
      .describe('Percent of the data cap at which `status` warns; absent: 80'),
    metered: z.boolean().default(false).describe('True when traffic over this link is paid for or capped'),
    policy: linkPolicy.optional().describe('What is different over this link'),
  })
  .transform(({ throughput, latency, dataCap, addresses, ...rest }) => ({
    ...rest,
    addresses: addresses.map(({ address }) => address),
    ...pricedAmong(addresses),
    /** Bytes per second. */
    throughputBps: throughput,
    latencyMs: latency,
    dataCapBytes: dataCap,
  }))

const days = z.number().min(0).max(36_500)
const count = z.int().min(0)

const versions = z.strictObject({
  days: days.default(30).describe('How many days overwritten and deleted versions are kept'),
  count: count.default(50).describe('How many versions of one file'),
  maxBytes: bytes.prefault('10GiB').describe('How much room all of them may take; the oldest go first'),
})

const folderVersions = z.strictObject({
  days: days.optional(),
  count: count.optional(),
  maxBytes: bytes.optional(),
})

const deletionGuard = z.strictObject({
  percent: z
    .number()
    .min(0)
    .max(100)
    .default(50)
    .describe('More than this part of the files may not go at once without a word of yours'),
  files: z.int().min(1).default(100).describe('Fewer files than this always may'),
})

const folder = z.strictObject({
  path: absolutePath.describe('Where this folder is on this machine'),
  with: z.array(name).optional().describe('The peers that get this folder; absent: every peer'),
  ignore: z.array(z.string().min(1)).default([]).describe('Patterns of names that stay on this machine, such as *.iso'),
  ignoreDefaults: z.boolean().default(true).describe('Also ignore the usual temporary files'),
  names: z
    .enum(['auto', 'exact', 'caseless'])
    .default('auto')
    .describe('Whether the disk here tells a.txt from A.TXT: exact or caseless; auto: found out'),
  rescanMinutes: z
    .number()
    .positive()
    .max(10_080)
    .default(60)
    .describe('How often to look at every file, in case the system told too little'),
  settleMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .optional()
    .describe('How long a file must rest before it is sent; absent: chosen by itself'),
  deletionGuard: z
    .union([z.literal('off'), deletionGuard], 'must be off, or have percent and files')
    .prefault({})
    .describe('When deletions wait for `spansync approve`: percent and files, or off'),
  versions: folderVersions
    .optional()
    .describe('Its own limits for overwritten and deleted versions; with maxBytes, room of its own'),
  policy: folderPolicy.optional().describe('When, where and how much of it is synced'),
})

const coordinator = z.strictObject({
  url: coordinatorUrl.describe('Where the coordinator can be reached, such as tls://server:22071'),
  creds: absolutePath.optional().describe('File with the credentials for it'),
})

const unison = z.strictObject({
  path: absolutePath.optional().describe('The unison program; absent: the one on PATH'),
  confine: z
    .boolean()
    .default(true)
    .describe(
      'Whether Unison sees the one folder and nothing else of this machine (Linux, with bubblewrap or user namespaces; else `status` warns)',
    ),
})

const advanced = z.strictObject({
  persistentPairs: z
    .int()
    .min(0)
    .max(64)
    .default(4)
    .describe('How many busy pairs keep a Unison running; each takes memory'),
  membersMinutes: z
    .number()
    .positive()
    .max(525_600)
    .default(360)
    .describe('How often machines tell each other what they have, so that what everybody has deleted can be forgotten'),
  logLevel: z.enum(logLevels).default('info').describe('How much `spansync run` tells'),
})

export const configSchema = z.strictObject({
  name: name.describe('The name of this machine, for people'),
  listen: listenAddress
    .optional()
    .describe('Where peers can dial this machine, host:port; absent: this machine only dials'),
  discovery: z
    .boolean()
    .optional()
    .describe('Find peers on the local network, and be found there (mDNS); absent: when others can dial this machine'),
  mode: z
    .enum(['auto', 'centralised', 'decentralised'])
    .default('auto')
    .describe('auto: follow the coordinator while it is there; centralised: only its orders; decentralised: never'),
  coordinator: coordinator.optional().describe('The coordinator, if there is one'),
  peers: z.record(name, peer).default({}).describe('The machines that this one syncs with, by name'),
  folders: z
    .record(folderId, folder)
    .default({})
    .describe('The folders that are shared, by their id, which is the same everywhere'),
  policy: networkPolicy.optional().describe('When, where and how much is synced, of all folders'),
  versions: versions.prefault({}).describe('Overwritten and deleted versions that are kept'),
  unison: unison.prefault({}).describe('The Unison program'),
  advanced: advanced.prefault({}).describe('What rarely needs a change'),
})

export type Config = Readonly<z.output<typeof configSchema>>
export type PeerConfig = Config['peers'][string]
export type FolderConfig = Config['folders'][FolderId]
export type Mode = Config['mode']

/** `~/docs` and absolute paths, normalised; undefined for anything else. */
export function expandPath(text: string): string | undefined {
  const full = text === '~' || /^~[\\/]/.test(text) ? join(homedir(), text.slice(1)) : text
  if (!isAbsolute(full) || full.includes('\0')) return undefined
  const plain = normalize(full)
  return plain.length > 1 && /[\\/]$/.test(plain) && !/^[A-Za-z]:\\$/.test(plain) ? plain.slice(0, -1) : plain
}
