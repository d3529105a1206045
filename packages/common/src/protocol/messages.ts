import { z } from 'zod'
import { doors } from '../core/agent/state.ts'
import type { Member } from '../core/causal/members.ts'
import { type Entry, mostDots } from '../core/causal/types.ts'
import { enrolledSchema, enrolSchema } from './enrolment.ts'
import { rosterSchema } from './roster.ts'
import { counter, digest, folderId, mostVectorKeys, nodeId, replicaId, vector } from './values.ts'

/** Version of the control protocol. Two agents that differ here cannot talk and say so. */
export const protocolVersion = 6

/** Bounds checked before anything is kept (bytes from the network are untrusted). */
export const limits = {
  pathBytes: 4096,
  entriesPerMessage: 1000,
  pathsPerFetch: 20_000,
  vectorKeys: mostVectorKeys,
} as const

/** A path that stays inside the root: no empty part, no dot-dot, not absolute, no NUL. */
export function isSafePath(path: string): boolean {
  if (path.length === 0 || path.length > limits.pathBytes || path.includes('\0')) return false
  return (
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !/^\.spansync(\/|$)/.test(path)
  )
}

const path = z.string().refine(isSafePath, 'a path must stay inside the folder')

const dots = z.array(z.tuple([replicaId, counter])).max(mostDots)

const entry = z.object({
  path,
  kind: z.enum(['file', 'dir', 'symlink']),
  deleted: z.boolean(),
  size: counter,
  mtimeUs: z.number().int(),
  mode: z.number().int().min(0).max(0o777),
  hash: z.string().regex(/^([0-9a-f]{64})?$/),
  vector,
  dots,
  beaten: dots.min(1).optional(),
}) as unknown as z.ZodType<Entry>

const amount = z.object({ files: counter, bytes: counter })

const member = z.object({
  node: nodeId,
  version: counter,
  knowledge: vector,
  neighbours: z.array(nodeId).max(10_000),
}) as unknown as z.ZodType<Member>

export const helloSchema = z.object({
  type: z.literal('hello'),
  protocol: z.number().int(),
  software: z.string().max(64),
  name: z.string().min(1).max(64),
  features: z.array(z.string().max(64)).max(64),
  /** Only the folders that the sender shares with this very peer. */
  folders: z.array(folderId).max(10_000),
  unison: z.string().max(64),
  /** What the sender's clock shows, ms since 1970. */
  now: z.number().int(),
  /** The connection is a trial beside the link that there is; in the answer: it is taken as one. */
  trial: z.boolean().optional(),
  /** The connection of its last link with the receiver, which has fallen: whoever still holds that link can let it go. */
  lost: z.string().max(64).optional(),
})

/** What the sender has: sent when a link comes up and whenever it changed. `received` acknowledges the peer's entries up to
 *  that sequence number of the PEER's index. */
export const summarySchema = z.object({
  type: z.literal('summary'),
  folder: folderId,
  replica: replicaId,
  knowledge: vector,
  digest,
  /** Tombstones up to here may be missing among the sender's entries. Absent: as before on this link, and at its beginning none. */
  collected: vector.optional(),
  received: counter,
  /** Every entry that the sender had for this peer was sent before. */
  complete: z.boolean(),
  /** Stands for what the sender ignores beyond the usual; '' when nothing. */
  scope: z.string().max(64),
  /** The sender may lack what it ignores and others wrote: only its own writes are complete. */
  partial: z.boolean(),
  /** Whether the sender waits for a coordinator's orders. */
  follows: z.enum(['peers', 'orders']),
  /** Which way the sender lets content pass between itself and the receiver. */
  door: z.enum(doors).default('open'),
  /** The content of some of what the sender has may not pass between the two. Absent: everything may. */
  holdsBack: z.boolean().optional(),
  /** What the sender would take of the receiver's. Absent: policy holds nothing of that back. */
  lacks: z.object({ all: amount, heldBack: amount, isAllHeldBack: z.boolean() }).optional(),
  /** The receiver asked to begin again, and this is the beginning: what came before was meant for its former self. */
  round: z.string().max(64).optional(),
})

/** Entries of the sender's index in the order of its sequence numbers. `complete`: nothing further is waiting up to `toSeq`, and
 *  `knowledge` and `digest` are those of that moment. */
export const entriesSchema = z.object({
  type: z.literal('entries'),
  folder: folderId,
  entries: z.array(entry).max(limits.entriesPerMessage),
  /** Which of them, by their place in the list: their content may not pass between the two, by the sender's policy. */
  heldBack: z
    .array(
      z
        .number()
        .int()
        .min(0)
        .max(limits.entriesPerMessage - 1),
    )
    .max(limits.entriesPerMessage)
    .optional(),
  toSeq: counter,
  complete: z.boolean(),
  knowledge: vector,
  digest,
  /** As in a summary. */
  partial: z.boolean(),
})

/** "Bring me these paths": asked of the node that dialled (it runs the Unison client), or, with way `persistent`, of either
 *  (its monitor is told). Answered with `fetched` when the asked side ran Unison itself. */
export const fetchSchema = z.object({
  type: z.literal('fetch'),
  folder: folderId,
  id: z.string().max(64),
  /** `staged`: as `force`, and the asking side has a root of its own for what comes. */
  way: z.enum(['persistent', 'plain', 'force', 'staged']),
  paths: z.array(path).max(limits.pathsPerFetch),
  /** Directories to be copied with all that is in them. */
  covers: z.array(path).max(limits.pathsPerFetch),
  /** How many files that is, and how many bytes: for the choice of flags. */
  files: counter,
  bytes: counter,
})

export const fetchedSchema = z.object({
  type: z.literal('fetched'),
  folder: folderId,
  id: z.string().max(64),
  outcome: z.enum(['done', 'skipped', 'failed', 'fatal', 'archive_lost', 'busy']),
  detail: z.string().max(4000),
})

/** Send everything again from the start: an entry failed here, or the digests do not agree. `all` ignores knowledge. */
export const resendSchema = z.object({
  type: z.literal('resend'),
  folder: folderId,
  all: z.boolean(),
  round: z.string().max(64).optional(),
})

/** The sender's versions in conflicts that the receiver has to settle, and may have left out when it was told of them. */
export const disputedSchema = z.object({
  type: z.literal('disputed'),
  folder: folderId,
  entries: z.array(entry).max(limits.entriesPerMessage),
})

/** What members of the folder have said of themselves, passed on from neighbour to neighbour: when everybody has a tombstone, it may go. */
export const membersSchema = z.object({
  type: z.literal('members'),
  folder: folderId,
  members: z.array(member).max(limits.entriesPerMessage),
})

/** A step in comparing two replicas by hash tree: what lies below this node of it? At a leaf also what the sender has there, when
 *  differences are to be healed. */
export const compareSchema = z.object({
  type: z.literal('compare'),
  folder: folderId,
  id: z.string().max(64),
  prefix: z.string().regex(/^[0-9a-f]{0,3}$/),
  entries: z.array(entry).max(limits.entriesPerMessage),
})

/** Sums of the sixteen children, or at a leaf its entries. Nothing when the sender is not in step with the receiver. */
export const comparedSchema = z.object({
  type: z.literal('compared'),
  folder: folderId,
  id: z.string().max(64),
  settled: z.boolean(),
  sums: z.array(digest).max(16),
  entries: z.array(entry).max(limits.entriesPerMessage),
})

/** Echo wave over all replicas that can be reached, for `sync --wait`. */
export const probeSchema = z.object({
  type: z.literal('probe'),
  folder: folderId,
  id: z.string().max(64),
  timeoutMs: z.number().int().min(0).max(3_600_000),
})
export const probeReplySchema = z.object({
  type: z.literal('probe_reply'),
  id: z.string().max(64),
  replicas: z
    .array(
      z.object({
        replica: replicaId,
        digest,
        scope: z.string().max(64),
        knowledge: vector,
        busy: z.boolean(),
        error: z.string().max(500),
      }),
    )
    .max(10_000),
})

/** This file is on its way to the sender, who would pass its bytes on as they come. Nobody has verified them yet. */
export const aheadSchema = z.object({ type: z.literal('ahead'), folder: folderId, entry })

const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** The receiver of an offer that did not dial asks for the stream; who dialled opens it by itself. */
export const aheadWantedSchema = z.object({ type: z.literal('ahead_wanted'), folder: folderId, hash })

/** It is no longer on its way: it has arrived, or will not. */
export const aheadGoneSchema = z.object({ type: z.literal('ahead_gone'), folder: folderId, hash })

/** The sender, who did not dial, wants many small files at once: the stream with this id, on which it says which ones. */
export const parcelWantedSchema = z.object({
  type: z.literal('parcel_wanted'),
  folder: folderId,
  id: z.string().max(64),
})

/** There will be no such stream. */
export const parcelGoneSchema = z.object({ type: z.literal('parcel_gone'), folder: folderId, id: z.string().max(64) })

/** What is asked for on such a stream, in the order in which it shall come: path, hash and size in bytes. */
export const parcelOrderSchema = z.array(z.tuple([path, hash, counter])).max(limits.pathsPerFetch)

/** The folders shared with this peer have changed, or what the sender says of their priority over this link; absent: 0. */
export const foldersSchema = z.object({
  type: z.literal('folders'),
  folders: z.array(folderId).max(10_000),
  priorities: z.record(folderId, z.int().min(-1000).max(1000)).optional(),
})

export const messageSchema = z.discriminatedUnion('type', [
  helloSchema,
  summarySchema,
  entriesSchema,
  fetchSchema,
  fetchedSchema,
  resendSchema,
  disputedSchema,
  membersSchema,
  compareSchema,
  comparedSchema,
  probeSchema,
  probeReplySchema,
  aheadSchema,
  aheadWantedSchema,
  aheadGoneSchema,
  parcelWantedSchema,
  parcelGoneSchema,
  foldersSchema,
  rosterSchema,
  enrolSchema,
  enrolledSchema,
])
export type Message = z.infer<typeof messageSchema>
export type MessageOf<T extends Message['type']> = Extract<Message, { type: T }>

/** First frame on a connection of its own: a Unison session, or files. */
export const streamHeaderSchema = z.object({
  folder: folderId,
  /** `staged`: a run to a root of the receiver's own, of which both ends remember nothing; `ahead`: the bytes of one file, whose hash is
   *  the id; `parcel`: many small files, without Unison. */
  purpose: z.enum(['one-shot', 'staged', 'persistent', 'ahead', 'parcel']),
  id: z.string().max(64),
})
export type StreamHeader = z.infer<typeof streamHeaderSchema>
