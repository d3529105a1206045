import { randomUUID, X509Certificate } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { nkeys } from 'nats'
import { z } from 'zod'
import { namePattern, nameRule } from '../../config/values.ts'
import type { NodeId } from '../../core/causal/types.ts'
import { nodeId } from '../../protocol/values.ts'
import { errnoOf } from '../../runtime/errors.ts'
import { CredentialsDamagedError, CredentialsExposedError, CredentialsMissingError } from './errors.ts'

/** A user's nkey seed. It prints as a placeholder wherever it may end up: in a log, in JSON, in an error. */
export class Seed {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toJSON(): string {
    return '[secret]'
  }

  toString(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

/** What one user needs to talk to the coordinator's NATS server. */
export interface Credentials {
  readonly node: NodeId | 'coordinator'
  /** The node's, for people. */
  readonly name: string
  readonly seed: Seed
  /** PEM of the one certificate that the server may show; null: any that the system's authorities vouch for. */
  readonly server: string | null
  /** This node has made them itself, and the coordinator has not let it in with them yet. */
  readonly pending?: boolean
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  node: z.union([nodeId, z.literal('coordinator')]),
  name: z.string().regex(namePattern, nameRule),
  seed: z.string().refine(isSeed, 'not the seed of an nkey user'),
  server: z.string().refine(isCertificate, 'not a certificate in PEM form').nullable(),
  pending: z.literal(true).optional(),
})

/** With a new key. */
export function createCredentials(of: Omit<Credentials, 'seed'>): Credentials {
  return { ...of, seed: new Seed(new TextDecoder().decode(nkeys.createUser().getSeed())) }
}

/** The `U…` by which the server knows the user. */
export function publicKeyOf({ seed }: Credentials): string {
  return nkeys.fromSeed(new TextEncoder().encode(seed.reveal())).getPublicKey()
}

/** Throws CredentialsMissingError, CredentialsExposedError or CredentialsDamagedError. */
export async function readCredentials(file: string): Promise<Credentials> {
  await checkExposure(file)
  const found = fileSchema.safeParse(parseJson(file, await readFile(file, 'utf8')))
  if (!found.success) {
    // Only the first issue's own words: they never quote the seed.
    const [issue] = found.error.issues
    throw new CredentialsDamagedError(file, `${issue?.path.join('.') || 'its form'}: ${issue?.message ?? 'wrong'}`)
  }
  const { node, name, seed, server, pending = false } = found.data
  return { node, name, seed: new Seed(seed), server, ...(pending ? { pending } : {}) }
}

/** Replaces the file in one step; nobody but the owner can read it at any time. */
export async function writeCredentials(file: string, credentials: Credentials): Promise<void> {
  const { node, name, seed, server, pending = false } = credentials
  const own = { node, name, seed: seed.reveal(), server }
  const content: z.infer<typeof fileSchema> = { version: 1, ...own, ...(pending ? { pending } : {}) }
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function checkExposure(file: string): Promise<void> {
  const { mode } = await stat(file).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') throw new CredentialsMissingError(file)
    throw error
  })
  // Windows keeps access lists instead of these bits.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new CredentialsExposedError(file, mode)
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: it quotes the text, which holds a secret.
    throw new CredentialsDamagedError(file, 'it is not JSON')
  }
}

function isSeed(text: string): boolean {
  try {
    return nkeys.fromSeed(new TextEncoder().encode(text)).getPublicKey().startsWith('U')
  } catch {
    return false
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
