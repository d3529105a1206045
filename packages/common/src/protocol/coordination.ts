import { z } from 'zod'
import type { NodeId } from '../core/causal/types.ts'
import { modes } from './status.ts'
import { counter, digest, folderId, nodeId, replicaId, vector } from './values.ts'

// What agents and the coordinator say to each other over NATS, as JSON. Everything is level-triggered: a message says how things are,
// so that a lost, doubled or late one costs time only.

/** Version of this protocol, part of every subject: two versions never meet on one. */
export const coordinationVersion = 1

const prefix = `spansync.v${coordinationVersion}`

/** A node may publish on `state`, `enrol` and `report`, and subscribe to `order` and `plan`, of its own id only, and to `beat`. */
export const subjects = {
  /** Request of an agent, answered with StateAnswer. Nobody listening says at once that there is no coordinator. */
  state: (node: NodeId | '*') => `${prefix}.state.${node}`,
  /** Request of the coordinator, answered with OrderAnswer. */
  order: (node: NodeId) => `${prefix}.order.${node}`,
  /** From the coordinator: the node's part of a folder's plan, a hint that makes large files faster. */
  plan: (node: NodeId) => `${prefix}.plan.${node}`,
  /** Request of an agent for itself or a peer, an Enrolment, answered with EnrolAnswer. */
  enrol: (node: NodeId | '*') => `${prefix}.enrol.${node}`,
  /** Into JetStream. */
  report: (node: NodeId | '*') => `${prefix}.report.${node}`,
  /** From the leading coordinator to everybody, every `beatMs`. */
  beat: `${prefix}.beat`,
  /** Request of the coordinator's own command line, answered by whoever leads. */
  query: `${prefix}.query`,
  /** The node that a subject with an id ends in; undefined when it does not. */
  nodeOf: (subject: string): NodeId | undefined => {
    const last = subject.slice(subject.lastIndexOf('.') + 1)
    return /^[0-9a-f]{64}$/.test(last) ? (last as NodeId) : undefined
  },
} as const

/** Where replies go: of an agent, and of the coordinator. */
export const inboxOf = (node: NodeId | 'coordinator'): string => `_INBOX_${node}`

export const reportStream = `SPANSYNC_REPORTS_V${coordinationVersion}`

export const beatMs = 5000
/** So many beats missed in a row mean that the coordinator hangs. */
export const beatsMissed = 3

/** Larger messages are refused before they are parsed. NATS itself stops at 1 MiB. */
export const messageBytes = 1_000_000

const finite = z.number().min(0)
const text = z.string().max(1000)

/** One link as an end of it sees it. Times in ms, rates in bytes per second; absent: not measured or not configured. */
export const linkFactsSchema = z.object({
  peer: nodeId,
  up: z.boolean(),
  rttMs: finite.optional(),
  throughputBps: finite.optional(),
  /** A first estimate from a probe, not from transfers. */
  throughputProbed: z.boolean().optional(),
  /** On the wire since the agent's `run` began. */
  sentBytes: counter,
  receivedBytes: counter,
  /** What the person wrote into the configuration; wins over what is measured. */
  configured: z
    .object({
      latencyMs: finite.optional(),
      throughputBps: finite.optional(),
      pricePerGb: finite.optional(),
      metered: z.boolean().optional(),
      /** Left of this month's data cap. */
      capBytes: counter.optional(),
    })
    .optional(),
})

export const replicaStates = ['open', 'scanning', 'closed'] as const

/** One replica. `peers`: with whom it is joined now, that is, whose link is up and who share the folder with it; `narrow`: those of them
 *  from whom policy holds something back. */
export const replicaFactsSchema = z.object({
  folder: folderId,
  replica: replicaId.optional(),
  state: z.enum(replicaStates),
  knowledge: vector,
  digest: digest.optional(),
  /** See a summary between agents. */
  scope: z.string().max(64),
  files: counter,
  bytes: counter,
  peers: z.array(nodeId).max(10_000),
  narrow: z.array(nodeId).max(10_000).optional(),
})

export const orderOutcomes = ['equal', 'incomplete', 'unreachable', 'expired', 'superseded'] as const

/** How an order ended on this side. */
export const finishedOrderSchema = z.object({
  id: z.string().max(64),
  outcome: z.enum(orderOutcomes),
  reason: text,
})

export const stateSchema = z.object({
  node: nodeId,
  name: z.string().min(1).max(64),
  software: z.string().max(64),
  /** Made anew with each start of the agent; `seq` rises within it. */
  run: z.string().max(64),
  seq: counter,
  /** Everything this node has; else only what has changed since the state before. */
  full: z.boolean(),
  mode: z.object({ configured: z.enum(modes), effective: z.enum(['centralised', 'decentralised']) }),
  links: z.array(linkFactsSchema).max(10_000).optional(),
  replicas: z.array(replicaFactsSchema).max(10_000),
  /** Folders that are no longer held. */
  dropped: z.array(folderId).max(10_000).optional(),
  /** Orders in force here. */
  orders: z.array(z.string().max(64)).max(10_000),
  finished: z.array(finishedOrderSchema).max(10_000).optional(),
})

export const networkModes = ['centralised', 'decentralised'] as const

export const stateAnswerSchema = z.object({
  epoch: counter,
  mode: z.enum(networkModes),
  /** The coordinator lacks what this state builds on: send everything. */
  full: z.boolean(),
  /** Why the state was refused, for the log. */
  problem: text.optional(),
})

/** Along which of its links the node passes the folder on. */
export const neighboursSchema = z.object({
  epoch: counter,
  folder: folderId,
  neighbours: z.array(nodeId).max(10_000),
})

export const beatSchema = z.object({ epoch: counter, mode: z.enum(networkModes) })

/** Two replicas shall sync now. Sent to both; `peer` is the other one. */
export const orderSchema = z.object({
  epoch: counter,
  id: z.string().min(1).max(64),
  folder: folderId,
  peer: nodeId,
  /** Not to be begun later than this after its arrival. */
  expiresInMs: z.number().int().min(0).max(3_600_000),
})

export const orderRefusals = [
  'old_epoch',
  'folder_not_held',
  'unknown_peer',
  'not_connected',
  'decentralised',
  'bad_order',
] as const

export const orderAnswerSchema = z.object({
  id: z.string().max(64),
  accepted: z.boolean(),
  code: z.enum(orderRefusals).optional(),
  reason: text.optional(),
})

/** One finished session, for the statistics. `id` is unique for ever: a report that arrives twice counts once. */
export const reportSchema = z.object({
  id: z.string().min(1).max(64),
  node: nodeId,
  peer: nodeId,
  folder: folderId,
  /** Content came from the peer to the node, or went the other way. */
  direction: z.enum(['received', 'sent']),
  files: counter,
  bytes: counter,
  /** Ms since 1970, by the node's clock. */
  startedAt: counter,
  durationMs: finite,
  outcome: z.enum(['done', 'refused', 'failed']),
  reason: text.optional(),
})

export type LinkFacts = z.infer<typeof linkFactsSchema>
export type ReplicaFacts = z.infer<typeof replicaFactsSchema>
export type FinishedOrder = z.infer<typeof finishedOrderSchema>
export type OrderOutcome = FinishedOrder['outcome']
export type State = z.infer<typeof stateSchema>
export type StateAnswer = z.infer<typeof stateAnswerSchema>
export type NetworkMode = (typeof networkModes)[number]
export type Beat = z.infer<typeof beatSchema>
export type Order = z.infer<typeof orderSchema>
export type OrderAnswer = z.infer<typeof orderAnswerSchema>
export type OrderRefusal = (typeof orderRefusals)[number]
export type Report = z.infer<typeof reportSchema>
