import { z } from 'zod'
import type { Digest, FolderId, NodeId, ReplicaId } from '../core/causal/types.ts'

// What messages are made of. Everything has a bound, for the bytes come from the network.

export const counter = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const folderId = z.string().min(1).max(128) as unknown as z.ZodType<FolderId>
export const nodeId = z.string().regex(/^[0-9a-f]{64}$/) as unknown as z.ZodType<NodeId>
export const digest = z.string().regex(/^[0-9a-f]{32}$/) as unknown as z.ZodType<Digest>
/** One key per incarnation of an index: more than a group of machines will ever have. */
export const mostVectorKeys = 10_000
export const vector = z
  .record(z.string().min(1).max(128), counter)
  .refine((keys) => Object.keys(keys).length <= mostVectorKeys, 'a version vector with too many keys')
export const replicaId = z.string().min(1).max(128) as unknown as z.ZodType<ReplicaId>
