import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signerOf } from '@spansync/common/adapters/certificate/signed'
import {
  type Credentials,
  createCredentials,
  publicKeyOf,
  readCredentials,
  writeCredentials,
} from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { enrolmentSchema, enrolmentText } from '@spansync/common/protocol/enrolment'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIdentity } from '../transport/identity.ts'
import { currentCredentials, enrolmentFor, formerCredentialsFile } from './own-credentials.ts'

const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [NodeId, NodeId, NodeId]
let directory: string
let file: string
let given: Credentials
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-own-creds-'))
  file = join(directory, 'coordinator.creds')
  given = createCredentials({ node: first, name: 'laptop', server: null })
  await writeCredentials(file, given)
})
afterEach(() => rm(directory, { recursive: true }))

const seeds = async (path: string): Promise<string> => (await readCredentials(path)).seed.reveal()

describe('credentials of a node', () => {
  it('stay as they are while it has the same key', async () => {
    expect(publicKeyOf(await currentCredentials({ file, self: first, formerIds: [] }))).toBe(publicKeyOf(given))
  })

  it('are made anew with a new key, and the former ones are kept to ask with', async () => {
    const made = await currentCredentials({ file, self: second, formerIds: [first] })
    expect(made).toMatchObject({ node: second, name: 'laptop', server: null, pending: true })
    expect(await seeds(file)).toBe(made.seed.reveal())
    expect(await seeds(formerCredentialsFile(file))).toBe(given.seed.reveal())
    const again = await currentCredentials({ file, self: second, formerIds: [first] })
    expect([again.seed.reveal(), again.pending]).toEqual([made.seed.reveal(), true])
  })

  it('that the coordinator has let in last are kept, however many keys there were since', async () => {
    await currentCredentials({ file, self: second, formerIds: [first] })
    await currentCredentials({ file, self: third, formerIds: [second, first] })
    expect(await readCredentials(formerCredentialsFile(file))).toMatchObject({ node: first })
  })

  it('of another node are refused, and left alone', async () => {
    await expect(currentCredentials({ file, self: third, formerIds: [second] })).rejects.toMatchObject({
      code: 'credentials_foreign',
    })
    expect(await seeds(file)).toBe(given.seed.reveal())
  })
})

it('what a node asks for has its signature, passes the protocol, and does not hold its seed', async () => {
  const identity = await createIdentity(join(directory, 'node'))
  const enrolment = enrolmentFor(identity, given, 1234.5)
  expect(enrolmentSchema.parse(JSON.parse(JSON.stringify(enrolment)))).toEqual(enrolment)
  expect(signerOf(enrolment, enrolmentText(enrolment))).toBe(identity.id)
  expect(JSON.stringify(enrolment)).not.toContain(given.seed.reveal())
})
