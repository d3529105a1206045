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

export const statementSchema = z.strictObject({
  subject: nodeId,
  name: nodeName,
  addresses: nodeAddresses,
  state: z.enum(['member', 'removed']),
  version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  by: nodeId,
  certificate: base64(2000),
  signature: base64(200),
}) as unknown as z.ZodType<Statement>

export const mostStatements = 200

/** What the sender has of the member list, or what is new of it. */
export const rosterSchema = z.object({
  type: z.literal('roster'),
  /** Each is looked at by itself (`statementSchema`): one that is malformed must not hide the others. */
  statements: z.array(z.unknown()).max(mostStatements),
})

/** Of addresses as a person may have set them those that others can be told. */
export function tellable(addresses: readonly string[]): string[] {
  return addresses.filter((one) => nodeAddresses.safeParse([one]).success).slice(0, 8)
}
