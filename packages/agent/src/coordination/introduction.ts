import { readCredentials } from '@spansync/common/adapters/nats/credentials'
import type { Config } from '@spansync/common/config/schema'
import type { Logger } from '@spansync/common/runtime/logger'
import { type JoinAnswer, mostServerLength } from '../joining/protocol.ts'

/** What a machine that joins is told of the coordinator: where it is and how it is known, but no key. `undefined`: there is none. */
export async function introductionTo(
  coordinator: Config['coordinator'],
  log: Logger,
): Promise<JoinAnswer['coordinator']> {
  if (coordinator === undefined) return undefined
  const { url, creds } = coordinator
  // From another machine it is not there.
  if (creds === undefined || /\/\/(localhost|127\.|\[::1\])/.test(url)) return { url }
  try {
    const { server } = await readCredentials(creds)
    return (server?.length ?? 0) > mostServerLength ? { url } : { url, server }
  } catch (error) {
    log.warn({ event: 'join.no_introduction', err: error }, 'the machine that joins gets its credentials from a person')
    return { url }
  }
}
