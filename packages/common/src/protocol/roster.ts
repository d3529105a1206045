import { z } from 'zod'
import { isDialable, namePattern } from '../config/values.ts'
import type { Statement } from '../core/roster/roster.ts'
import { nodeId } from './values.ts'

export const nodeName = z.string().regex(namePattern)

/** Where a node can be dialled, `host:port`. */
export const nodeAddresses = z
  .array(
    z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9._:[\]-]+$/)
      .refine(isDialable, 'must be host:port'),
  )
  .max(8)

const base64 = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)

/** DER. One that holds its predecessors is larger than others, and may be. */
export const certificateText = base64(12_000)

export const statementSchema = z.strictObject({
  subject: nodeId,
  name: nodeName,
  addresses: nodeAddresses,
  state: z.enum(['member', 'removed']),
  version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  by: nodeId,
  certificate: certificateText,
  signature: base64(200),
}) as unknown as z.ZodType<Statement>

export const mostStatements = 200
export const mostRotations = 100

/** What the sender has of the member list, or what is new of it. */
export const rosterSchema = z.object({
  type: z.literal('roster'),
  /** Each is looked at by itself (`statementSchema`): one that is malformed must not hide the others. */
  statements: z.array(z.unknown()).max(mostStatements),
  /** Certificates of keys that have replaced others; so is each of these. */
  rotations: z.array(z.unknown()).max(mostRotations).default([]),
})

/** Of addresses as a person may have set them those that others can be told. */
export function tellable(addresses: readonly string[]): string[] {
  return addresses.filter((one) => nodeAddresses.safeParse([one]).success).slice(0, 8)
}
