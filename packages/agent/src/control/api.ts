import type { Config } from '@spansync/common/config/schema'
import { nodeAddresses } from '@spansync/common/protocol/roster'
import { type Problem, problemSchema, type Status } from '@spansync/common/protocol/status'
import type { Logger } from '@spansync/common/runtime/logger'
import { z } from 'zod'

// What the command line and the daemon say to each other over the local socket.

export const syncRequestSchema = z.object({
  /** Absent: every folder. */
  folder: z.string().optional(),
  /** False: start it, and answer at once. */
  wait: z.boolean().default(false),
  timeoutMs: z.number().int().min(0).max(86_400_000).default(60_000),
})

/** `unreachable` replicas do not count against a folder being equal; `behind` and `failed` do. */
export const replicaResultSchema = z.object({
  node: z.string(),
  state: z.enum(['equal', 'behind', 'failed', 'unreachable']),
  /** Why it lags, for a person. */
  reason: z.string().optional(),
  remedy: z.string().optional(),
  lacking: z.object({ files: z.number(), bytes: z.number() }).optional(),
})

export const syncResultSchema = z.object({
  folders: z.array(
    z.object({
      id: z.string(),
      /** Every replica that could be reached is equal. Without `wait`: what is known so far. */
      equal: z.boolean(),
      /** The time ran out before that. */
      timedOut: z.boolean().optional(),
      replicas: z.array(replicaResultSchema),
      /** This node's own trouble with the folder. */
      error: problemSchema.optional(),
    }),
  ),
  elapsedMs: z.number().min(0),
})

export const conflictInfoSchema = z.object({
  folder: z.string(),
  /** Of the conflict copy, below the folder's root. */
  path: z.string(),
  /** Of the file that it is a copy of. */
  original: z.string().optional(),
  /** The node that lost, or that resolved, as the copy's name says. */
  node: z.string().optional(),
  bytes: z.number().int().min(0),
  mtimeMs: z.number(),
})

export const checkSchema = z.object({
  id: z.string(),
  /** `warn` is shown and does not count as a failure. */
  result: z.enum(['ok', 'warn', 'fail']),
  title: z.string(),
  detail: z.string().optional(),
  remedy: z.string().optional(),
})

export const auditRequestSchema = z.object({
  folder: z.string().optional(),
  /** Fetch what is damaged from a peer; else it is only told. */
  fix: z.boolean().default(false),
})

export const auditResultSchema = z.object({
  folders: z.array(
    z.object({
      id: z.string(),
      files: z.number(),
      bytes: z.number(),
      damaged: z.array(z.object({ path: z.string(), state: z.enum(['found', 'healing', 'waiting', 'unhealable']) })),
      /** Peers with which entries were compared, and paths at which equal versions had different contents. */
      peers: z.array(
        z.object({ node: z.string(), state: z.enum(['equal', 'differs', 'busy']), paths: z.array(z.string()) }),
      ),
      error: problemSchema.optional(),
    }),
  ),
  elapsedMs: z.number().min(0),
})

export const whyRequestSchema = z.object({
  folder: z.string(),
  /** Below the folder's root, with '/' between parts. */
  path: z.string().optional(),
  /** Its name in this node's configuration; absent: all who share the folder. */
  peer: z.string().optional(),
})

export const whyResultSchema = z.object({
  folder: z.string(),
  path: z.string().optional(),
  peers: z.array(
    z.object({
      peer: z.string(),
      state: z.enum(['equal', 'syncing', 'waiting', 'blocked']),
      /** What stands in the way, first what stops most. */
      explanations: z
        .array(
          z.object({
            code: z.string(),
            message: z.string(),
            remedy: z.string().optional(),
            /** The rule's key path in the configuration, and its line. */
            where: z.object({ level: z.string(), key: z.string(), line: z.number().optional() }).optional(),
            /** When it will no longer stand in the way by itself, ms since 1970. */
            untilMs: z.number().optional(),
          }),
        )
        .readonly(),
      /** When it will sync as far as is known. */
      syncsAtMs: z.number().optional(),
    }),
  ),
})

export const doctorReportSchema = z.object({ checks: z.array(checkSchema) })
export const answerRequestSchema = z.object({ folder: z.string() })
const files = z.number().int().min(0)
/** Deletions that waited: made here, and told of by peers. */
export const approveResultSchema = z.object({ here: files, peers: files })
/** `kept`: what peers had deleted; `back`: what had vanished here and is there again; `missing`: what is not, and why. */
export const revertResultSchema = z.object({ kept: files, back: files, missing: files, reason: z.string() })

export const inviteRequestSchema = z.object({
  /** `host:port`, besides those that the agent knows itself. */
  addresses: nodeAddresses.default([]),
})
export const invitationSchema = z.object({
  code: z.string(),
  addresses: z.array(z.string()).readonly(),
  /** Milliseconds since 1970. */
  until: z.number(),
})
/** `before`: dead from now on. The agent starts anew with `id` in a moment. */
export const rotatedSchema = z.object({ id: z.string(), before: z.string() })
export const removeRequestSchema = z.object({ node: z.string() })
/** A folder that a connected peer shares with this node. */
export const folderOfferSchema = z.object({ node: z.string(), folder: z.string(), isHeld: z.boolean() })

export const failureSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
    retryable: z.boolean(),
    exitCode: z.number(),
  }),
})

export type AuditRequest = z.output<typeof auditRequestSchema>
export type AuditResult = z.infer<typeof auditResultSchema>
export type FolderAudit = AuditResult['folders'][number]
export type SyncRequest = z.output<typeof syncRequestSchema>
export type SyncResult = z.infer<typeof syncResultSchema>
export type FolderSyncResult = SyncResult['folders'][number]
export type ReplicaResult = z.infer<typeof replicaResultSchema>
export type ConflictInfo = z.infer<typeof conflictInfoSchema>
export type ApproveResult = z.infer<typeof approveResultSchema>
export type RevertResult = z.infer<typeof revertResultSchema>
export type InviteRequest = z.output<typeof inviteRequestSchema>
export type Invitation = z.infer<typeof invitationSchema>
export type Rotated = z.infer<typeof rotatedSchema>
export type FolderOffer = z.infer<typeof folderOfferSchema>
export type WhyRequest = z.output<typeof whyRequestSchema>
export type WhyResult = z.infer<typeof whyResultSchema>
export type Check = z.infer<typeof checkSchema>
export type DoctorReport = z.infer<typeof doctorReportSchema>
export type Failure = z.infer<typeof failureSchema>
export type { Problem, Status }

/** What the daemon offers to the local interface. A thrown SpansyncError reaches the person with its code and remedy. */
export interface ControlHandlers {
  status(): Promise<Status>
  /** Calls back after anything in the status may have changed, as often as it likes. */
  onStatusChange(callback: () => void): () => void
  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResult>
  conflicts(folder?: string): Promise<ConflictInfo[]>
  doctor(): Promise<DoctorReport>
  why(request: WhyRequest): Promise<WhyResult>
  audit(request: AuditRequest, signal: AbortSignal): Promise<AuditResult>
  /** A person says that deletions that wait are meant, or that they are not. */
  approve(folder: string): Promise<ApproveResult>
  revert(folder: string): Promise<RevertResult>
  /** Makes a code with which one machine may join. */
  invite(request: InviteRequest): Promise<Invitation>
  /** This node has just joined: its member list begins anew. */
  joined(): Promise<void>
  /** Shuts a member out everywhere. */
  remove(node: string): Promise<void>
  /** Puts a new key in the place of this node's own. */
  rotate(): Promise<Rotated>
  offers(): Promise<FolderOffer[]>
  /** Takes config.yaml over now; resolves when that is done. */
  reload(): Promise<void>
}

/** A running daemon. Disposing it stops everything and releases the files. */
export interface Daemon extends AsyncDisposable {
  readonly handlers: ControlHandlers
  /** Rejects when the daemon cannot go on. */
  readonly failed?: Promise<never>
  /** Resolves when it has to be disposed and started anew: this node has another identity now. */
  readonly outdated?: Promise<void>
}

export interface DaemonOptions {
  readonly home: string
  readonly config: Config
  readonly log: Logger
  /** Aborted when the daemon shall stop; it is disposed after that. */
  readonly signal: AbortSignal
}

export type StartDaemon = (options: DaemonOptions) => Promise<Daemon>
