import type { Duplex } from 'node:stream'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Clock, Link } from '@spansync/common/ports'
import type { Message, MessageOf, StreamHeader } from '@spansync/common/protocol/messages'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Identity } from './identity.ts'
import type { ListenAddress } from './listener.ts'
import type { SecureConnection } from './secure.ts'
import type { ByteCount } from './traffic.ts'

/** In bytes per second, on the wire; undefined: as much as goes. */
export interface Rates {
  readonly upBytesPerSecond?: number | undefined
  readonly downBytesPerSecond?: number | undefined
}

/** A node that this one may be linked with. Without addresses, it dials us. Its rates limit all connections with it together. */
export interface Peer extends Rates {
  readonly id: NodeId
  readonly name: string
  /** `host:port`, tried in turn. */
  readonly addresses: readonly string[]
  /** What the streams of a folder may use of that. */
  readonly folderRates?: ReadonlyMap<FolderId, Rates> | undefined
  /** Some 100 KB may be sent to find out how fast the link is: nobody pays for them, and nobody has said it already. */
  readonly mayProbe?: boolean
  /** What the person has said of the link; absent: nobody pays for it. */
  readonly cost?: AddressCost
  /** Of single addresses, where it differs. */
  readonly costs?: Readonly<Record<string, AddressCost>>
}

/** What the use of an address costs. */
export interface AddressCost {
  readonly metered: boolean
  readonly pricePerGb: number
  /** As configured, and then it counts more than what is measured. Bytes per second. */
  readonly throughputBps?: number | undefined
  readonly latencyMs?: number | undefined
  readonly mayProbe: boolean
}

/** Called from the transport; what they throw is logged and goes no further. `onLinkUp` comes before the link's first message, and
 *  `onLinkDown` exactly once after each `onLinkUp`. */
export interface TransportEvents {
  onLinkUp(link: Link, hello: MessageOf<'hello'>): void
  onLinkDown(link: Link, reason: SpansyncError): void
  /** The same link goes over another address now, with nothing lost and nothing to be said again. */
  onLinkMoved?(link: Link): void
  /** A first figure of the link's throughput is there, or there will be none. */
  onMeasured?(link: Link): void
  /** This machine has other addresses than before, or was asleep. */
  onNetworkChanged?(addresses: ReadonlySet<string>): void
  /** For the history: told before `onLinkUp` and `onLinkDown`. */
  onHistory?(event: LinkEvent): void
  onMessage(link: Link, message: Message): void
  /** A stream that the peer has opened, already accepted, of one of `foldersFor`. */
  onStream(link: Link, header: StreamHeader, stream: Duplex): void
}

export interface TransportOptions extends TransportEvents {
  readonly identity: Identity
  /** Own name, told to peers. */
  readonly name: string
  readonly listen: ListenAddress | undefined
  readonly peers: readonly Peer[]
  /** Folders shared with this very peer: no other is ever named to it. */
  readonly foldersFor: (peer: NodeId) => readonly FolderId[]
  readonly clock: Clock
  readonly log: Logger
  /** In [0, 1). */
  readonly random: () => number
  /** For the hello: the version of this program, of its Unison, and what it can do. */
  readonly software?: string
  readonly unison?: () => string
  readonly features?: readonly string[]
  /** Machines that are no peers yet. */
  readonly joining?: Joining
  /** A machine that is no peer has proved to hold the key of this certificate (DER). True when it takes the place of a peer, which will
   *  be among the peers soon. */
  readonly meet?: (certificate: Buffer) => boolean
  /** Only tests speak another version. */
  readonly protocol?: number
}

export interface Joining {
  /** Somebody has been invited: a stranger may say why it comes. Else nobody is listened to. */
  readonly isExpecting: () => boolean
  /** After the preamble. What comes of the connection is for the receiver to see to; never rejects. */
  readonly receive: (connection: SecureConnection) => Promise<void>
}

/** What happened to a link. `moved`: it goes over another address now. `failed`: it is down, and for another reason than before. */
export interface LinkEvent {
  readonly peer: NodeId
  readonly name: string
  readonly what: 'up' | 'moved' | 'down' | 'failed'
  /** `host:port` in use, or that dialled here. */
  readonly address?: string | undefined
  /** Why it went down, or did not come up. */
  readonly code?: string | undefined
  readonly message?: string | undefined
}

export interface LinkError {
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** What is known of one address of a peer. */
export interface AddressStatus {
  readonly address: string
  readonly inUse: boolean
  /** Found on the local network, and not configured. */
  readonly found: boolean
  readonly metered: boolean
  readonly pricePerGb: number
  readonly rttMs: number | undefined
  /** Bytes per second. */
  readonly throughputBps: number | undefined
  /** Why the last try failed; undefined when it did not. */
  readonly error: LinkError | undefined
}

export interface LinkStatus {
  readonly node: NodeId
  readonly name: string
  readonly up: boolean
  /** True when this node dialled; undefined while the link is down. */
  readonly dialed: boolean | undefined
  /** Far end of the connection. */
  readonly address: string | undefined
  /** When it last went up or down, ms since 1970. */
  readonly since: number
  /** Smoothed; undefined until measured. */
  readonly rttMs: number | undefined
  /** Measured, bytes per second, of the better direction; undefined until enough has flowed. */
  readonly throughputBps: number | undefined
  /** The throughput comes from the trains sent when the link came up: no transfer has shown more, or been held up by less. */
  readonly throughputProbed: boolean
  /** It is being found out how fast the link is: a moment, when it is new. */
  readonly measuring: boolean
  /** Bytes inside TCP over all connections with the peer, since this process started. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Both ways together, by the address that the peer has in the configuration; '' for others. */
  readonly bytesByAddress: ReadonlyMap<string, number>
  /** Of these, the streams of each folder. */
  readonly folders: ReadonlyMap<FolderId, ByteCount>
  readonly badMessages: number
  readonly openStreams: number
  /** All that the peer can be dialled at, best known first as configured. */
  readonly addresses: readonly AddressStatus[]
  /** Why the link is or last was down; undefined when it never was, and after it came up. */
  readonly lastError: LinkError | undefined
}

export interface Transport extends AsyncDisposable {
  /** Listens and dials. Throws PortInUseError or CannotListenError. */
  start(): Promise<void>
  /** The new set of peers: those gone are cut off, those unchanged are not touched. */
  setPeers(peers: readonly Peer[]): void
  /** Throws PortInUseError or CannotListenError; then it listens where it did before. */
  setListen(listen: ListenAddress | undefined): Promise<void>
  /** Where else a peer may be, as somebody on the local network says: tried like any other address, and trusted no more. */
  setFound(peer: NodeId, addresses: readonly string[]): void
  /** Dial at once, and ask links that are up whether they live. All peers when none is named. */
  poke(peer?: NodeId): void
  links(): readonly LinkStatus[]
  /** Where it listens; undefined when it does not. */
  readonly port: number | undefined
}
