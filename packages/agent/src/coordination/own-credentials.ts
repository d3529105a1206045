import { join } from 'node:path'
import { signText } from '@spansync/common/adapters/certificate/signed'
import {
  type Credentials,
  createCredentials,
  publicKeyOf,
  readCredentials,
  writeCredentials,
} from '@spansync/common/adapters/nats/credentials'
import { type Enrolment, enrolmentText } from '@spansync/common/protocol/enrolment'
import { certificateOf } from '../membership/statement.ts'
import type { Identity } from '../transport/identity.ts'
import { CredentialsForeignError } from './errors.ts'

/** Where a node puts the credentials that it makes itself. */
export const ownCredentialsFile = (home: string): string => join(home, 'coordinator.creds')

/** Those of the id that the node had before. */
export const formerCredentialsFile = (file: string): string => `${file}.before`

/** With a key of the node's own, of which only the public half ever leaves it. The coordinator does not know it yet. */
export async function makeCredentials(
  file: string,
  of: Pick<Credentials, 'node' | 'name' | 'server'>,
): Promise<Credentials> {
  const { node, name, server } = of
  const made = { ...createCredentials({ node, name, server }), pending: true }
  await writeCredentials(file, made)
  return made
}

export interface Renewing {
  readonly file: string
  readonly self: Credentials['node']
  /** The ids that this node had before. */
  readonly formerIds: readonly string[]
}

/** Those in the file, or new ones when it holds those of an id that this node had before: these stay beside them, for with them the
 *  coordinator can be asked to take the new ones. Throws CredentialsForeignError, and what reading and writing them throws. */
export async function currentCredentials({ file, self, formerIds }: Renewing): Promise<Credentials> {
  const found = await readCredentials(file)
  if (found.node === self) return found
  if (!formerIds.includes(found.node)) throw new CredentialsForeignError(file, found.name)
  // Of those that were never let in nothing can be asked: the ones before them stay.
  if (found.pending !== true) await writeCredentials(formerCredentialsFile(file), found)
  return await makeCredentials(file, { ...found, node: self })
}

/** What this node asks the coordinator for. `now`: ms since 1970. */
export function enrolmentFor(identity: Identity, credentials: Credentials, now: number): Enrolment {
  const certificate = certificateOf(identity).toString('base64')
  const unsigned = { certificate, name: credentials.name, nkey: publicKeyOf(credentials), at: Math.round(now) }
  return { ...unsigned, signature: signText(identity.key, enrolmentText(unsigned)) }
}
