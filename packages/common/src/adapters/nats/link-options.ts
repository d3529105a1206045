import type { Clock } from '../../ports.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { BackoffTiming } from './backoff.ts'
import type { Credentials } from './credentials.ts'

export interface NatsLinkOptions {
  /** `tls://host:port`, or several members of one cluster with commas between them. */
  readonly url: string
  readonly credentials: Credentials
  readonly clock: Clock
  readonly log: Logger
  readonly random?: () => number
  readonly timing?: Partial<LinkTiming>
}

export interface LinkTiming extends BackoffTiming {
  /** From dialling to the server's first answer, for each server. */
  readonly openTimeoutMs: number
  /** Between tries when only a person can remove the cause: a wrong key, a wrong certificate. The first ones follow sooner, each after
   *  twice the pause: whoever has just been added may come a moment before the server has heard of it. */
  readonly hopelessMs: number
  readonly hopelessAtFirstMs: number
  /** How long a server that left a request without answer may take to answer a ping. */
  readonly probeMs: number
  /** A connection that lasted so long was a good one: the next try comes soon after its end. */
  readonly goodAfterMs: number
  /** For what was written last to reach the server, when the link is closed. */
  readonly farewellMs: number
}

export const defaultTiming: LinkTiming = {
  firstMs: 250,
  longestAtFirstMs: 3000,
  triesAtFirst: 200,
  longestMs: 30_000,
  openTimeoutMs: 15_000,
  hopelessMs: 60_000,
  hopelessAtFirstMs: 500,
  probeMs: 10_000,
  goodAfterMs: 10_000,
  farewellMs: 500,
}
