import type { Clock } from '@spansync/common/ports'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { withDeadline } from '../transport/alarm.ts'
import { FramingError, LinkClosedError } from '../transport/errors.ts'
import { checkPreamble } from '../transport/handshake.ts'
import type { Identity } from '../transport/identity.ts'
import { encodeNote, encodePreamble, preambleBytes, readExactly, readNote } from '../transport/preamble.ts'
import { dial } from '../transport/secure.ts'
import type { InviteCode } from './code.ts'
import { InviterFailedError, InviterUnreachableError, NotInvitedError } from './errors.ts'
import { bindingOf, proofOf } from './proof.ts'
import { type JoinAnswer, joinAnswerSchema, joinFailureSchema } from './protocol.ts'

export interface JoinOptions {
  readonly code: InviteCode
  readonly identity: Identity
  readonly name: string
  readonly addresses: readonly string[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface Joined {
  readonly answer: JoinAnswer
  /** Where the inviting machine answered. */
  readonly address: string
}

const answerMs = 15_000
/** So long after one address the next is tried, too. */
const nextMs = 500

/** Dials the inviting machine, which is pinned by the code, and shows it that this one was invited. Throws InviterUnreachableError,
 *  NotInvitedError, ProtocolMismatchError, or the signal's reason. */
export async function joinNetwork(options: JoinOptions): Promise<Joined> {
  const { connection, address } = await connectToAny(options)
  return { answer: await ask(options, { connection, address }), address }
}

type Connection = Awaited<ReturnType<typeof dial>>

interface Connected {
  readonly connection: Connection
  readonly address: string
}

/** One address after the other, without waiting for those of networks that swallow what is sent to them. */
async function connectToAny({ code, identity, clock, signal }: JoinOptions): Promise<Connected> {
  const found = new AbortController()
  const tried: { address: string; error: unknown }[] = []
  const attempts = code.addresses.map(async (address, index): Promise<Connected> => {
    const either = AbortSignal.any([signal, found.signal])
    try {
      await clock.sleep(index * nextMs, either)
      const target = { id: code.inviter, name: 'the inviting machine', address }
      return { address, connection: await dial({ identity, clock, target, signal: either, onSocket: () => undefined }) }
    } catch (error) {
      tried.push({ address, error })
      throw error
    }
  })
  try {
    return await Promise.any(attempts)
  } catch {
    signal.throwIfAborted()
    throw new InviterUnreachableError(tried)
  } finally {
    found.abort(new Error('another address has answered'))
    // Two may have answered at once.
    void closeOthers(attempts)
  }
}

async function closeOthers(attempts: readonly Promise<Connected>[]): Promise<void> {
  const won = await Promise.any(attempts).catch(() => undefined)
  for (const one of await Promise.allSettled(attempts)) {
    if (one.status === 'fulfilled' && one.value !== won) one.value.connection.tls.destroy()
  }
}

async function ask(
  { code, identity, name, addresses, clock, signal }: JoinOptions,
  { connection: { tls }, address }: Connected,
): Promise<JoinAnswer> {
  const of = { secret: code.secret, joiner: identity.id, inviter: code.inviter, binding: bindingOf(tls) }
  const request = { name, addresses, proof: proofOf(of).toString('base64') }
  const late = (): Error => new LinkClosedError('peer_silent', 'the inviting machine did not answer within 15 s')
  try {
    return await withDeadline({ clock, ms: answerMs, signal, late }, async (limit) => {
      tls.write(Buffer.concat([encodePreamble({ kind: 'join', protocol: protocolVersion }), encodeNote(request)]))
      const preamble = await readExactly(tls, preambleBytes, limit)
      // Whoever has not been invited is told nothing at all.
      if (preamble === 'closed') throw new NotInvitedError(address)
      checkPreamble(preamble, 'the inviting machine', protocolVersion)
      const note = await readNote(tls, limit)
      const answer = joinAnswerSchema.safeParse(note)
      if (answer.success) return answer.data
      const failure = joinFailureSchema.safeParse(note)
      if (failure.success) throw new InviterFailedError(failure.data)
      throw new FramingError('the inviting machine answered with something else')
    })
  } finally {
    tls.destroy()
  }
}
