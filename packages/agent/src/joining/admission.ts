import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { z } from 'zod'
import { withDeadline } from '../transport/alarm.ts'
import { LinkClosedError } from '../transport/errors.ts'
import { encodeNote, encodePreamble, readNote } from '../transport/preamble.ts'
import { farEndOf, type SecureConnection } from '../transport/secure.ts'
import type { Invitations } from './invitations.ts'
import { bindingOf } from './proof.ts'
import { type JoinAnswer, type JoinRequest, type joinFailureSchema, joinRequestSchema } from './protocol.ts'

export interface AdmissionOptions {
  readonly self: NodeId
  readonly invitations: Invitations
  readonly clock: Clock
  readonly log: Logger
  /** Makes it a peer of this node, and answers what it is told. */
  readonly admit: (joiner: NodeId, request: JoinRequest) => Promise<JoinAnswer>
}

const requestMs = 15_000
/** What a proof is missing cannot be told apart from outside: nothing is said either way. */
const texts = {
  malformed: 'what it said is malformed',
  wrong: 'its code is wrong, was used already, or has expired',
  none: 'no invitation is open any more',
} as const

/** The inviting side, after the preamble. Nothing goes out before the proof is right. Never rejects. */
export async function receiveJoiner(options: AdmissionOptions, { tls, raw, peer }: SecureConnection): Promise<void> {
  const { clock, log } = options
  const address = farEndOf(raw)
  try {
    const late = (): Error => new LinkClosedError('peer_silent', 'a machine that wants to join said nothing')
    const note = await withDeadline({ clock, ms: requestMs, late }, (signal) => readNote(tls, signal))
    const request = joinRequestSchema.safeParse(note)
    const outcome = request.success ? prove(options, { tls, peer, proof: request.data.proof }) : 'malformed'
    if (outcome !== 'accepted' || !request.success) {
      const reason = texts[outcome === 'accepted' ? 'malformed' : outcome]
      log.warn(
        { event: 'join.refused', id: peer, address, reason },
        'if you did invite it, run `spansync invite` again',
      )
      return
    }
    const answer = await admitted(options, peer, request.data)
    if ('yourName' in answer)
      log.info({ event: 'join.accepted', id: peer, address, name: answer.yourName }, `${answer.yourName} has joined`)
    await new Promise<void>((resolve) => {
      tls.once('close', resolve)
      tls.end(Buffer.concat([encodePreamble({ kind: 'join', protocol: protocolVersion }), encodeNote(answer)]), () =>
        resolve(),
      )
    })
  } catch (error) {
    log.warn({ event: 'join.failed', id: peer, address, err: error }, 'run `spansync invite` again')
  } finally {
    tls.destroySoon()
  }
}

/** Whoever was invited is told why it does not work. */
async function admitted(
  { admit, log }: AdmissionOptions,
  joiner: NodeId,
  request: JoinRequest,
): Promise<JoinAnswer | z.infer<typeof joinFailureSchema>> {
  try {
    return await admit(joiner, request)
  } catch (error) {
    const { code, message, remedy } = toSpansyncError(error)
    log.error({ event: 'join.failed', id: joiner, code, err: error }, remedy)
    return { error: message.slice(0, 1000), remedy: remedy.slice(0, 1000) }
  }
}

function prove(
  { self, invitations }: AdmissionOptions,
  { tls, peer, proof }: { tls: SecureConnection['tls']; peer: NodeId; proof: string },
): ReturnType<Invitations['use']> {
  return invitations.use(Buffer.from(proof, 'base64'), { joiner: peer, inviter: self, binding: bindingOf(tls) })
}
