import type { Clock } from '@spansync/common/ports'
import { protocolVersion } from '@spansync/common/protocol/messages'
import type { Logger } from '@spansync/common/runtime/logger'
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
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly protocol: number
  readonly traffic: Traffic
  readonly speed: LinkSpeed
  readonly up: TokenBucket
  readonly down: TokenBucket
  readonly folders: FolderLimits
}

export function createPeerContext(options: TransportOptions, peer: Peer): PeerContext {
  const { identity, clock, log, random, protocol = protocolVersion } = options
  const up = new TokenBucket(clock, peer.upBytesPerSecond)
  const down = new TokenBucket(clock, peer.downBytesPerSecond)
  const folders = new FolderLimits(clock, peer.folderRates)
  const own = { traffic: new Traffic(), speed: new LinkSpeed(), up, down, folders }
  return { peer, identity, clock, log, random, protocol, ...own }
}

/** The sender lets its link be measured by trains. */
export const trainFeature = 'train'

/** What this node says of itself to this very peer. */
export function helloFor(options: TransportOptions, { protocol, peer }: PeerContext): Hello {
  const { name, foldersFor, software = '', unison, features = [], clock } = options
  const folders = [...foldersFor(peer.id)]
  const all = [...features, ...(peer.mayProbe ? [trainFeature] : [])]
  const now = Math.round(clock.wallNow())
  return { type: 'hello', protocol, software, name, features: all, folders, unison: unison?.() ?? '', now }
}
