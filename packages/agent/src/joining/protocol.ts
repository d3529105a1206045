import { namePattern } from '@spansync/common/config/values'
import { nodeAddresses, nodeName } from '@spansync/common/protocol/roster'
import { z } from 'zod'

// A machine that joins dials, and says one note; it is answered with one note, or not at all.

export const joinRequestSchema = z.strictObject({
  name: nodeName,
  /** Where the joining machine can be dialled. */
  addresses: nodeAddresses,
  /** Base64 of 32 bytes. */
  proof: z.string().length(44),
})
export type JoinRequest = z.infer<typeof joinRequestSchema>

/** Of a certificate in PEM form. */
export const mostServerLength = 3000

/** So many fit into one note. */
export const mostOffers = 100

export const offerSchema = z.object({
  id: z.string().regex(namePattern),
  files: z.number().int().min(0),
  bytes: z.number().min(0),
})
export type Offer = z.infer<typeof offerSchema>

export const joinAnswerSchema = z.object({
  /** Of the inviting machine. */
  name: nodeName,
  /** What the joining machine is called there. */
  yourName: nodeName,
  offers: z.array(offerSchema).max(mostOffers),
  coordinator: z
    .object({
      url: z
        .string()
        .max(500)
        .regex(/^(nats|tls):\/\/[^\s/]+/),
      /** PEM of the certificate by which its NATS server is known; null: any that the system's authorities vouch for. Absent: it has to
       *  be told to the joining machine in another way. */
      server: z.string().max(mostServerLength).nullable().optional(),
    })
    .optional(),
})
export type JoinAnswer = z.infer<typeof joinAnswerSchema>

/** The proof was right, and yet it did not work. */
export const joinFailureSchema = z.object({ error: z.string().max(1000), remedy: z.string().max(1000) })
