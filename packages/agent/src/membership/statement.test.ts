import type { NodeId } from '@spansync/common/core/causal/types'
import { statementSchema } from '@spansync/common/protocol/roster'
import { beforeAll, expect, it } from 'vitest'
import type { Identity } from '../transport/identity.ts'
import { makeIdentities } from '../transport/testing/loopback.ts'
import { isGenuine, state } from './statement.ts'

let a: Identity
let b: Identity
beforeAll(async () => {
  ;[a, b] = (await makeIdentities(2)) as [Identity, Identity]
})

const what = {
  subject: 'c'.repeat(64) as NodeId,
  name: 'c',
  addresses: ['192.0.2.7:22070'],
  state: 'member',
  version: 3,
  at: 5,
} as const

it('is known for what its signer has said, and passes the protocol', () => {
  const said = state(a, what)
  expect(isGenuine(said)).toBe(true)
  expect(statementSchema.parse(JSON.parse(JSON.stringify(said)))).toEqual(said)
})

it.each([
  ['another subject', { subject: 'd'.repeat(64) as NodeId }],
  ['another name', { name: 'd' }],
  ['another address', { addresses: ['192.0.2.8:22070'] }],
  ['a removal', { state: 'removed' as const }],
  ['another version', { version: 4 }],
  ['another time', { at: 6 }],
  ['no certificate', { certificate: '' }],
  ['no signature', { signature: '' }],
])('is not: %s', (_what, changed) => {
  expect(isGenuine({ ...state(a, what), ...changed })).toBe(false)
})

it('nobody speaks for another', () => {
  const [one, other] = [state(a, what), state(b, what)]
  expect(isGenuine({ ...one, by: b.id })).toBe(false)
  expect(isGenuine({ ...one, by: b.id, certificate: other.certificate })).toBe(false)
})
