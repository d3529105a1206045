import type { Clock } from '@spansync/common/ports'
import { protocolVersion } from '@spansync/common/protocol/messages'
import type { Logger } from '@spansync/common/runtime/logger'
import { mayProbe } from './address-cost.ts'
import { FolderLimits } from './folder-limits.ts'
import type { Hello } from './handshake.ts'
import type { Identity } from './identity.ts'
import { LinkSpeed } from './link-speed.ts'
import { TokenBucket } from './token-bucket.ts'
import { Traffic } from './traffic.ts'
import type { Peer, TransportOptions } from './types.ts'

/** What all connections with one peer share. */
export interface PeerContext {
  /** As the configuration has it now. */
  peer: Peer
  /** Name of the connection that carried the last link; undefined while there has been none. */
  lost: string | undefined
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly protocol: number
  readonly traffic: Traffic
  readonly speeds: LinkSpeed
  readonly up: TokenBucket
  readonly down: TokenBucket
  readonly folders: FolderLimits
}

export function createPeerContext(options: TransportOptions, peer: Peer): PeerContext {
  const { identity, clock, log, random, protocol = protocolVersion } = options
  const up = new TokenBucket(clock, peer.upBytesPerSecond)
  const down = new TokenBucket(clock, peer.downBytesPerSecond)
  const folders = new FolderLimits(clock, peer.folderRates)
  const own = { traffic: new Traffic(), speeds: new LinkSpeed(), up, down, folders }
  return { peer, lost: undefined, identity, clock, log, random, protocol, ...own }
}

/** The sender lets its link be measured by trains. */
export const trainFeature = 'train'
/** The sender takes trials, and moves a link to another connection. */
export const trialFeature = 'trial'

export interface HelloOptions {
  /** Of the far end. */
  readonly address: string
  /** The connection is to be tried and measured, beside the link that there is. */
  readonly trial?: boolean
}

/** What this node says of itself to this very peer. */
export function helloFor(options: TransportOptions, context: PeerContext, { address, trial }: HelloOptions): Hello {
  const { protocol, peer, lost } = context
  const { name, foldersFor, software = '', unison, features = [], clock } = options
  const folders = [...foldersFor(peer.id)]
  const all = [...features, trialFeature, ...(mayProbe(peer, address) ? [trainFeature] : [])]
  const now = Math.round(clock.wallNow())
  const hello = {
    type: 'hello',
    protocol,
    software,
    name,
    features: all,
    folders,
    unison: unison?.() ?? '',
    now,
  } as const
  return { ...hello, ...(trial ? { trial } : {}), ...(lost === undefined ? {} : { lost }) }
}
