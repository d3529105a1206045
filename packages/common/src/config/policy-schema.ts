import { z } from 'zod'
import { parseCidr } from '../core/policy/address.ts'
import { expandType, fileTypes, typePrefix } from '../core/policy/file-types.ts'
import { compileIgnore } from '../core/policy/ignore.ts'
import type { PolicySettings, SomeSettings } from '../core/policy/settings.ts'
import { parseWindow, unite, type Windows, windowRule } from '../core/policy/windows.ts'
import { isZone } from '../core/policy/zone.ts'
import { bytes, duration, name, oneOrMore, parsed, throughput } from './fields.ts'

// What a person may say of who gets what, when and how much. The same keys for all folders (`policy`), for one (`folders.X.policy`),
// for a node in either (`nodes.X`), and for the link to a peer (`peers.X.policy`, or for one folder `folders.X.policy.peers.X`).

/** Patterns with which something is left out; also `type:video` and the like. */
const pattern = parsed(
  (text) => (patternProblem(text) === undefined ? text : undefined),
  (text) => patternProblem(text) ?? '',
)

const windows = oneOrMore(parseWindow, windowRule).transform((parts): Windows => unite(parts.flat()))

const range = z
  .string()
  .refine((text) => parseCidr(text) !== undefined, 'must be an address or a range such as 192.168.1.0/24')

const networkRule = z.strictObject({
  gateway: range.optional().describe('Address of the router, or a range of them'),
  cidr: range.optional().describe('Where the address of this machine must be, such as 192.168.1.0/24'),
  interface: z.string().min(1).optional().describe('Name of the network interface, such as eth0 or wlan*'),
  ssid: z.string().min(1).optional().describe('Name of the Wi-Fi'),
})

const rateRule = z
  .strictObject({
    during: windows.optional().describe('When this rate counts; absent: always'),
    send: throughput.optional().describe('Most that is sent, such as 10mbit'),
    receive: throughput.optional().describe('Most that is received'),
  })
  .transform(({ during, send, receive }) => ({ during, sendBps: send, receiveBps: receive }))

const pauseRule = 'must be true, false, or the time until which it lasts, such as 2027-01-31T08:00:00+01:00'
const instant = z.iso.datetime({ offset: true })
const pause = z.union([z.boolean(), parsed(parseInstant, pauseRule)], pauseRule)

const keys = {
  include: z.array(pattern).optional().describe('Only files that match one of these, such as *.pdf or type:document'),
  exclude: z.array(pattern).optional().describe('What is left out, such as *.iso or type:video'),
  minSize: bytes.optional().describe('No files smaller than this'),
  maxSize: bytes.optional().describe('No files larger than this, such as 500MB; what is shared already may grow'),
  direction: z
    .enum(['send-receive', 'send-only', 'receive-only'])
    .optional()
    .describe('Which way changes go, as seen from this machine'),
  settle: duration.optional().describe('How long a file must rest before it is sent, such as 2s'),
  minInterval: duration.optional().describe('How long to wait from one session to the next, such as 1h'),
  maxDelay: duration.optional().describe('How long settle and minInterval may hold a change back at most'),
  windows: windows.optional().describe('When it may sync: 23:00-06:00, mon-fri 08:00-18:00, sat,sun or always'),
  timezone: z
    .string()
    .refine(isZone, 'must be a time zone such as Europe/Amsterdam')
    .optional()
    .describe('Whose clock and calendar count; absent: those of this machine'),
  networks: z
    .array(networkRule)
    .optional()
    .describe('Only on one of these networks, by gateway, cidr, interface or ssid; []: on any'),
  onMetered: z.boolean().optional().describe('Whether it may go over metered links'),
  onBattery: z.boolean().optional().describe('Whether it may sync while this machine runs on its battery'),
  rates: z.array(rateRule).optional().describe('How fast over each link; the first whose time it is counts'),
  priority: z.int().min(-100).max(100).optional().describe('Folders with a higher one go first'),
  paused: pause.optional().describe('true: nothing passes; or the time until which'),
}

type Written = z.output<z.ZodObject<typeof keys>>

/** What one place says, as it is evaluated. */
export interface PolicyConfig {
  readonly settings: SomeSettings
  readonly filter: Pick<Written, 'include' | 'exclude' | 'minSize' | 'maxSize'>
}

export const linkPolicy = z.strictObject(keys).transform(configOf)

const nodes = z.record(name, linkPolicy).optional().describe('What is different on a machine, by its name')

export const networkPolicy = z
  .strictObject({ ...keys, nodes })
  .transform(({ nodes, ...written }) => ({ ...configOf(written), nodes }))

export const folderPolicy = z
  .strictObject({
    ...keys,
    nodes,
    peers: z.record(name, linkPolicy).optional().describe('What is different over the link to a peer, by its name'),
  })
  .transform(({ nodes, peers, ...written }) => ({ ...configOf(written), nodes, peers }))

/** How a setting is called in the file. */
export const writtenAs: Readonly<Partial<Record<keyof PolicySettings, string>>> = {
  settleMs: 'settle',
  minIntervalMs: 'minInterval',
  maxDelayMs: 'maxDelay',
}

function configOf(written: Written): PolicyConfig {
  const { include, exclude, minSize, maxSize, settle, minInterval, maxDelay, ...rest } = written
  return {
    settings: defined({
      ...rest,
      settleMs: settle,
      minIntervalMs: minInterval,
      maxDelayMs: maxDelay,
    }),
    filter: defined({ include, exclude, minSize, maxSize }),
  }
}

function defined<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T
}

function parseInstant(text: string): { readonly untilMs: number } | undefined {
  return instant.safeParse(text).success ? { untilMs: Date.parse(text) } : undefined
}

function patternProblem(text: string): string | undefined {
  if (expandType(text) === undefined) {
    const types = Object.keys(fileTypes).map((type) => `${typePrefix}${type}`)
    return `must be a pattern or one of ${types.join(', ')}`
  }
  const [problem] = compileIgnore(expandType(text) ?? []).problems
  return problem && `${problem.message}; ${problem.remedy}`
}
