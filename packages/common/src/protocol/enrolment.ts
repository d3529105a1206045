import { z } from 'zod'
import { certificateText, nodeName } from './roster.ts'
import { counter } from './values.ts'

/** A node asks to be let in at the coordinator under a key for NATS that it has made itself. Signed by the node's own key, so that any
 *  member can carry it there, and none can put a key of its own in. */
export const enrolmentSchema = z.strictObject({
  /** Of the node: DER in base64; its hash is the id. */
  certificate: certificateText,
  name: nodeName,
  /** Public; the seed never leaves the node. */
  nkey: z.string().regex(/^U[A-Z2-7]{55}$/),
  /** Milliseconds since 1970 by the node's clock. Of one node the newest counts. */
  at: counter,
  signature: z.string().max(200),
})
export type Enrolment = z.infer<typeof enrolmentSchema>

/** What is signed. */
export function enrolmentText({ certificate, name, nkey, at }: Omit<Enrolment, 'signature'>): string {
  return JSON.stringify(['spansync enrol', certificate, name, nkey, at])
}

export const enrolOutcomes = ['enrolled', 'refused', 'away'] as const

/** `away`: whoever was asked to carry it does not reach the coordinator now. */
export const enrolAnswerSchema = z.object({
  outcome: z.enum(enrolOutcomes),
  reason: z.string().max(1000).default(''),
})
export type EnrolAnswer = z.infer<typeof enrolAnswerSchema>

/** From a node to its peers, and back from whoever has carried it. */
export const enrolSchema = z.object({ type: z.literal('enrol'), enrolment: enrolmentSchema })
export const enrolledSchema = z.object({ type: z.literal('enrolled'), answer: enrolAnswerSchema })
