import { connect as connectTls } from 'node:tls'
import { protocolVersion } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { createLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Identity } from '../transport/identity.ts'
import { encodeNote, encodePreamble } from '../transport/preamble.ts'
import { type SecureConnection, tlsOptions } from '../transport/secure.ts'
import { LoopbackNode, makeIdentities } from '../transport/testing/loopback.ts'
import { receiveJoiner } from './admission.ts'
import type { InviteCode } from './code.ts'
import { Invitations, validMs } from './invitations.ts'
import { joinNetwork } from './join.ts'
import type { JoinAnswer } from './protocol.ts'

const answer: JoinAnswer = { name: 'server', yourName: 'laptop', offers: [{ id: 'docs', files: 3, bytes: 5000 }] }

let identities: readonly [Identity, Identity, Identity]
beforeAll(async () => {
  identities = (await makeIdentities(3)) as unknown as typeof identities
})

let clock: FakeClock
let invitations: Invitations
let server: LoopbackNode
let lines: string[]
const admit = vi.fn(async () => answer)

beforeEach(async () => {
  const [own] = identities
  clock = new FakeClock()
  invitations = new Invitations(clock)
  lines = []
  admit.mockClear()
  const log = createLogger({ destination: { write: (line) => lines.push(line) } })
  const options = { self: own.id, invitations, clock: systemClock, log, admit }
  const joining = {
    isExpecting: () => invitations.isAnyOpen,
    receive: (one: SecureConnection) => receiveJoiner(options, one),
  }
  server = new LoopbackNode(own, 'server', { joining })
  await server.transport.start()
})
afterEach(() => server[Symbol.asyncDispose]())

function codeFor(secret: Buffer, more: Partial<InviteCode> = {}): InviteCode {
  return { inviter: server.id, secret, addresses: [server.address], ...more }
}

function join(code: InviteCode, identity: Identity = identities[1]) {
  const { signal } = new AbortController()
  return joinNetwork({ code, identity, name: 'laptop', addresses: ['192.0.2.9:22070'], clock: systemClock, signal })
}

it('lets in whoever shows that it was invited, and tells it what it needs', async () => {
  expect(await join(codeFor(invitations.make()))).toEqual({ answer, address: server.address })
  const request = { name: 'laptop', addresses: ['192.0.2.9:22070'], proof: expect.any(String) }
  expect(admit.mock.calls).toEqual([[identities[1].id, request]])
})

it('tries one address after the other', async () => {
  const addresses = ['127.0.0.1:1', server.address]
  expect((await join(codeFor(invitations.make(), { addresses }))).address).toBe(server.address)
})

it('lets nobody in twice with one code, and says so in the log', async () => {
  const secret = invitations.make()
  invitations.make()
  await join(codeFor(secret))
  await expect(join(codeFor(secret), identities[2])).rejects.toMatchObject({ code: 'not_invited' })
  expect(admit).toHaveBeenCalledTimes(1)
  expect(lines.join()).toContain('"event":"join.refused"')
  expect(lines.join()).toContain(identities[2].id)
})

it('lets nobody in with a wrong code, or one that has run out', async () => {
  const secret = invitations.make()
  await expect(join(codeFor(Buffer.alloc(16)))).rejects.toMatchObject({ code: 'not_invited' })
  await clock.advance(validMs)
  await expect(join(codeFor(secret))).rejects.toMatchObject({ code: 'not_invited' })
  expect(admit).not.toHaveBeenCalled()
})

it('is told apart from a machine that answers in its place, which learns nothing', async () => {
  const secret = invitations.make()
  await expect(join(codeFor(secret, { inviter: identities[2].id }))).rejects.toMatchObject({
    code: 'inviter_unreachable',
    message: expect.stringContaining('expected fingerprint'),
  })
  expect(admit).not.toHaveBeenCalled()
  // It was not used up by that.
  await join(codeFor(secret))
})

it('names every address that did not answer', async () => {
  const addresses = ['127.0.0.1:1', '127.0.0.1:2']
  await expect(join(codeFor(invitations.make(), { addresses }))).rejects.toMatchObject({
    message: expect.stringMatching(/127\.0\.0\.1:1: [\s\S]*127\.0\.0\.1:2: /),
  })
})

describe('a stranger gets no byte, although somebody is expected', () => {
  const join = (note: unknown): Buffer =>
    Buffer.concat([encodePreamble({ kind: 'join', protocol: protocolVersion }), encodeNote(note)])

  it.each([
    ['a hello', encodePreamble({ kind: 'control', protocol: protocolVersion })],
    ['another version', encodePreamble({ kind: 'join', protocol: protocolVersion + 1 })],
    [
      'no note at all',
      Buffer.concat([encodePreamble({ kind: 'join', protocol: protocolVersion }), Buffer.of(255, 255)]),
    ],
    ['something else', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a malformed note', join({ name: '../../etc', addresses: [], proof: '' })],
    ['a proof that is none', join({ name: 'x', addresses: [], proof: Buffer.alloc(32).toString('base64') })],
  ])('%s', async (_what, say) => {
    invitations.make()
    const heard: Buffer[] = []
    await new Promise<void>((resolve) => {
      const place = { host: '127.0.0.1', port: server.transport.port ?? 0, rejectUnauthorized: false }
      const socket = connectTls({ ...place, ...tlsOptions(identities[2]) })
      socket.once('secureConnect', () => socket.write(say))
      socket.on('data', (data: Buffer) => heard.push(data))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })
    expect(Buffer.concat(heard)).toEqual(Buffer.alloc(0))
    expect([server.ups, admit.mock.calls]).toEqual([[], []])
  })
})
