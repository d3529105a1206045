import { z } from 'zod'
import { namePattern, parseHostPort } from '../config/values.ts'
import type { Statement } from '../core/roster/roster.ts'
import { nodeId } from './values.ts'

export const nodeName = z.string().regex(namePattern)

/** Where a node can be dialled, `host:port`. */
export const nodeAddresses = z
  .array(
    z
      .string()
      .max(255)
      .refine((text) => (parseHostPort(text)?.port ?? 0) > 0, 'must be host:port'),
  )
  .max(8)

const base64 = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)

export const statementSchema = z.strictObject({
  subject: nodeId,
  name: nodeName,
  addresses: nodeAddresses,
  state: z.enum(['member', 'removed']),
  version: z.number().int().min(1).max(1_000_000_000),
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  by: nodeId,
  certificate: base64(2000),
  signature: base64(200),
}) as unknown as z.ZodType<Statement>

export const mostStatements = 200

/** What the sender has of the member list, or what is new of it. */
export const rosterSchema = z.object({
  type: z.literal('roster'),
  statements: z.array(statementSchema).max(mostStatements),
})
