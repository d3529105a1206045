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
}

/** Called from the transport; what they throw is logged and goes no further. `onLinkUp` comes before the link's first message, and
 *  `onLinkDown` exactly once after each `onLinkUp`. */
export interface TransportEvents {
  onLinkUp(link: Link, hello: MessageOf<'hello'>): void
  onLinkDown(link: Link, reason: SpansyncError): void
  /** A first figure of the link's throughput is there, or there will be none. */
  onMeasured?(link: Link): void
  onMessage(link: Link, message: Message): void
  /** A stream that the peer has opened, already accepted. Nothing has checked that the peer may have this folder. */
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
  /** This machine's addresses are others now, or it has woken from sleep. */
  readonly onNetworkChanged?: (addresses: ReadonlySet<string>) => void
  /** Only tests speak another version. */
  readonly protocol?: number
}

export interface Joining {
  /** Somebody has been invited: a stranger may say why it comes. Else nobody is listened to. */
  readonly isExpecting: () => boolean
  /** After the preamble. What comes of the connection is for the receiver to see to; never rejects. */
  readonly receive: (connection: SecureConnection) => Promise<void>
}

export interface LinkError {
  readonly code: string
  readonly message: string
  readonly remedy: string
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
  /** Of these, the streams of each folder. */
  readonly folders: ReadonlyMap<FolderId, ByteCount>
  readonly badMessages: number
  readonly openStreams: number
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
  /** Dial at once, and ask links that are up whether they live. All peers when none is named. */
  poke(peer?: NodeId): void
  links(): readonly LinkStatus[]
  /** Where it listens; undefined when it does not. */
  readonly port: number | undefined
}
