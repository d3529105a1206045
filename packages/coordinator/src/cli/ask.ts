import { zstdDecompressSync } from 'node:zlib'
import { readCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink } from '@spansync/common/adapters/nats/nats-link'
import { subjects } from '@spansync/common/protocol/coordination'
import { type Overview, overviewSchema, type Query, queryAnswerSchema } from '@spansync/common/protocol/overview'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { credentialsFile, loadConfig, natsUrlOf } from '../config/load.ts'
import { NoCoordinatorError, OverviewError } from '../daemon/errors.ts'
import type { Context } from './context.ts'

const patienceMs = 5000

/** Asks whichever coordinator leads, over NATS. Throws NoCoordinatorError. */
export async function ask({ home }: Context, query: Query = {}): Promise<Overview> {
  const url = natsUrlOf(loadConfig(home))
  const credentials = await readCredentials(credentialsFile(home))
  await using link = createNatsLink({ url, credentials, clock: systemClock, log: silentLogger })
  link.start()
  await link.whenConnected(AbortSignal.timeout(patienceMs)).catch(() => {
    throw new NoCoordinatorError(url, link.problem)
  })
  const answer = await link.request(subjects.query, query, { timeoutMs: patienceMs })
  if (answer.kind !== 'answer') throw new NoCoordinatorError(url)
  const said = queryAnswerSchema.parse(JSON.parse(new TextDecoder().decode(answer.data)))
  if ('problem' in said) throw new OverviewError(said.problem)
  const text = zstdDecompressSync(Buffer.from(said.packed, 'base64')).toString('utf8')
  return overviewSchema.parse(JSON.parse(text))
}
