import { randomBytes } from 'node:crypto'
import type { NodeId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { beforeEach, expect, it } from 'vitest'
import { Invitations, validMs } from './invitations.ts'
import { proofOf } from './proof.ts'

const of = { joiner: 'a'.repeat(64) as NodeId, inviter: 'b'.repeat(64) as NodeId, binding: randomBytes(32) }

let clock: FakeClock
let invitations: Invitations
beforeEach(() => {
  clock = new FakeClock()
  invitations = new Invitations(clock)
})

const use = (secret: Buffer, more: Partial<typeof of> = {}) =>
  invitations.use(proofOf({ ...of, secret }), { ...of, ...more })

it('lets one machine in, once', () => {
  const [one, two] = [invitations.make(), invitations.make()]
  expect(use(two)).toBe('accepted')
  expect(use(two)).toBe('wrong')
  expect(use(one)).toBe('accepted')
  expect([use(one), invitations.isAnyOpen]).toEqual(['none', false])
})

it('ends after ten minutes', async () => {
  const secret = invitations.make()
  await clock.advance(validMs - 1)
  expect(invitations.isAnyOpen).toBe(true)
  await clock.advance(1)
  expect([invitations.isAnyOpen, use(secret)]).toEqual([false, 'none'])
})

it.each([
  ['made by another machine', { joiner: 'c'.repeat(64) as NodeId }],
  ['made for another machine', { inviter: 'c'.repeat(64) as NodeId }],
  ['made on another connection, and played again or passed on', { binding: randomBytes(32) }],
])('a proof counts for nothing that was %s', (_what, more) => {
  const secret = invitations.make()
  expect(use(secret, more)).toBe('wrong')
  expect(use(secret)).toBe('accepted')
})

it('takes no proof of another length', () => {
  const secret = invitations.make()
  expect(invitations.use(proofOf({ ...of, secret }).subarray(0, 31), of)).toBe('wrong')
})
