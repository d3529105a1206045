import { z } from 'zod'
import { doors } from '../core/agent/state.ts'

// What an agent tells of itself, to the command line and, later, to the coordinator.

const count = z.number().int().min(0)
const milliseconds = z.number().min(0)

export const amountSchema = z.object({ files: count, bytes: count })

/** A problem with its cause (`message`) and its remedy. `path` below the folder's root, when it is about one path. */
export const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  path: z.string().optional(),
  /** True when it may pass by itself. */
  retryable: z.boolean().optional(),
})

export const folderStates = ['idle', 'scanning', 'syncing', 'waiting', 'error'] as const

/** Why a folder may not pass both ways over a link. */
export const heldSchema = z.object({
  door: z.enum(doors),
  reasons: z.array(
    z.object({
      rule: z.string(),
      message: z.string(),
      remedy: z.string(),
      /** Key path in the configuration of this node. */
      key: z.string(),
    }),
  ),
  /** When that changes by itself, ms since 1970. */
  untilMs: z.number().optional(),
})

export const folderPeerSchema = z.object({
  /** The peer's name in this node's configuration. */
  node: z.string(),
  connected: z.boolean(),
  /** What this node has and the peer does not. */
  behind: amountSchema,
  /** What the peer has and this node does not. */
  lacking: amountSchema,
  /** How much of that policy, of either node, holds back from the link. Absent: nothing. */
  heldBack: z.object({ behind: amountSchema, lacking: amountSchema }).optional(),
  /** Absent: policy here lets everything pass. */
  held: heldSchema.optional(),
})

const deletionsSchema = z.object({ files: count, total: count })

export const folderStatusSchema = z.object({
  id: z.string(),
  path: z.string(),
  state: z.enum(folderStates),
  /** Live files, and their sizes added up. */
  files: count,
  bytes: count,
  /** The replica's version vector over the whole folder. */
  knowledge: z.record(z.string(), count),
  /** Conflict copies that nobody has looked after yet. */
  conflicts: count,
  /** Deletions that wait for a person, with all that the replica has: made here, and told of by peers. */
  waiting: z.object({ here: deletionsSchema.optional(), peers: deletionsSchema.optional() }).optional(),
  /** The first of them; `errorsTotal` counts all. */
  errors: z.array(problemSchema),
  errorsTotal: count.optional(),
  peers: z.array(folderPeerSchema),
})

/** What is known of one address of a peer. */
export const addressStatusSchema = z.object({
  /** `host:port`. */
  address: z.string(),
  inUse: z.boolean(),
  /** On the local network, and not in the configuration. */
  found: z.boolean(),
  metered: z.boolean(),
  pricePerGb: z.number().min(0),
  /** Null: not measured yet. */
  rttMs: milliseconds.nullable(),
  throughputBps: z.number().min(0).nullable(),
  /** Why the last try failed. */
  error: problemSchema.optional(),
})

export const linkStatusSchema = z.object({
  node: z.string(),
  up: z.boolean(),
  /** Null: not measured yet. */
  rttMs: milliseconds.nullable(),
  /** Bytes per second. Null: not measured yet. */
  throughputBps: z.number().min(0).nullable(),
  /** On the wire, since the agent started. */
  sentBytes: count,
  receivedBytes: count,
  /** The most bytes in a month, and how many of this month's are used. */
  dataCap: z.object({ bytes: count, usedBytes: count }).optional(),
  /** `host:port` in use, or that dialled here. */
  address: z.string().optional(),
  /** Where this node can dial it, in the order of the configuration. */
  addresses: z.array(addressStatusSchema).optional(),
  /** Share of the time that it was up, as far back as this node remembers. Absent: nothing is known. */
  availability: z.number().min(0).max(1).optional(),
  /** The peer's clock minus this node's. */
  clockSkewMs: z.number().optional(),
  /** Why it is down. */
  error: problemSchema.optional(),
})

export const modes = ['auto', 'centralised', 'decentralised'] as const

export const statusSchema = z.object({
  /** The node's name, and its fingerprint. */
  node: z.string(),
  id: z.string(),
  version: z.string(),
  pid: count.optional(),
  uptimeMs: milliseconds,
  /** `host:port` where peers can dial this node; absent when it only dials. */
  listen: z.string().optional(),
  mode: z.object({ configured: z.enum(modes), effective: z.enum(['centralised', 'decentralised']) }),
  coordinator: z.object({ connected: z.boolean(), url: z.string().optional() }),
  /** Whether Unison servers started for peers are confined to the folder. */
  jailed: z.boolean(),
  folders: z.array(folderStatusSchema),
  links: z.array(linkStatusSchema),
  /** Problems of the node as a whole, such as a configuration that could not be taken over. */
  errors: z.array(problemSchema).optional(),
})

export type Amount = z.infer<typeof amountSchema>
export type Problem = z.infer<typeof problemSchema>
export type Held = z.infer<typeof heldSchema>
export type FolderPeerStatus = z.infer<typeof folderPeerSchema>
export type FolderStatus = z.infer<typeof folderStatusSchema>
export type LinkStatus = z.infer<typeof linkStatusSchema>
export type Status = z.infer<typeof statusSchema>
