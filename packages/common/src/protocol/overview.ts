import { z } from 'zod'
import { networkModes, replicaStates } from './coordination.ts'
import { modes } from './status.ts'
import { counter, folderId, nodeId } from './values.ts'

// What the leading coordinator tells its own command line, over NATS like everything else.

const finite = z.number().min(0)

export const queryBytes = 4096

export const querySchema = z.object({
  /** What the plan would be with another objective; absent: the one in force. */
  objective: z.number().min(0).max(1).optional(),
})

/** `packed`: an overview as JSON, compressed with zstd, in base64. */
export const queryAnswerSchema = z.union([z.object({ packed: z.string() }), z.object({ problem: z.string() })])

export const planEdgeSchema = z.object({
  a: z.string(),
  b: z.string(),
  rttMs: finite,
  /** Bytes per second. */
  throughputBps: finite,
  pricePerGb: finite,
  availability: z.number().min(0).max(1),
  /** Left of this month's data cap; 0: the link is not used. Absent: it has none. */
  capBytes: counter.optional(),
  /** An order is in flight on it. */
  busy: z.boolean(),
})

export const folderPlanSchema = z.object({
  folder: folderId,
  members: z.array(z.string()),
  edges: z.array(planEdgeSchema),
  /** Links that the plan leaves alone. */
  unused: z.array(planEdgeSchema),
  /** Sets of nodes that the plan joins; more than one when some cannot be reached. */
  components: z.array(z.array(z.string())),
  /** Leaf-only nodes that could join two of them, but may not relay. */
  heldApart: z.array(z.string()),
  /** Bringing one GB to every member costs so much. */
  costPerGb: finite,
  /** Seconds until everybody has 1 GB, and a single small file, written at the worst place. */
  predictedSecondsPerGb: finite,
  predictedSecondsPerEdit: finite,
})

export const overviewSchema = z.object({
  coordinator: z.string(),
  version: z.string(),
  epoch: counter,
  uptimeMs: finite,
  mode: z.enum(networkModes),
  objective: z.number().min(0).max(1),
  nodes: z.array(
    z.object({
      id: nodeId,
      name: z.string(),
      registered: z.boolean(),
      /** Ms since it was last heard; absent: not since this coordinator leads. */
      silentMs: finite.optional(),
      mode: z.object({ configured: z.enum(modes), effective: z.enum(networkModes) }).optional(),
      leafOnly: z.boolean(),
      replicas: z.array(
        z.object({
          folder: folderId,
          state: z.enum(replicaStates),
          files: counter,
          bytes: counter,
          /** Equal to every neighbour in the plan. */
          upToDate: z.boolean(),
        }),
      ),
    }),
  ),
  plans: z.array(folderPlanSchema),
  orders: z.object({ inFlight: counter, resting: counter, sent: counter, failed: counter }),
  messages: z.object({ states: counter, refused: counter, reports: counter }),
})

export type Overview = z.infer<typeof overviewSchema>
export type FolderPlan = z.infer<typeof folderPlanSchema>
export type PlanEdge = z.infer<typeof planEdgeSchema>
export type Query = z.infer<typeof querySchema>
