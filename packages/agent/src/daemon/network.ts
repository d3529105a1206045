import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { settingsOver } from '@spansync/common/config/addresses'
import type { Config, FolderConfig, PeerConfig } from '@spansync/common/config/schema'
import { parseHostPort } from '@spansync/common/config/values'
import type { FolderState } from '@spansync/common/core/agent/state'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Clock, Link } from '@spansync/common/ports'
import type { Message, MessageOf } from '@spansync/common/protocol/messages'
import type { Logger } from '@spansync/common/runtime/logger'
import { Discovery } from '../discovery/discovery.ts'
import { discovers } from '../discovery/networks.ts'
import type { DiskWorker } from '../disk/disk-worker.ts'
import { FolderHost } from '../folder/folder-host.ts'
import type { FetchRecord } from '../folder/options.ts'
import type { Engine } from '../folder/unison-engine.ts'
import { historyFileOf, type LinkHistory, openLinkHistory } from '../history/link-history.ts'
import type { Membership } from '../membership/membership.ts'
import { nameOfPeer } from '../membership/peers.ts'
import type { Identity } from '../transport/identity.ts'
import { createTransport } from '../transport/transport.ts'
import type { AddressCost, Peer, Transport } from '../transport/types.ts'
import { version } from '../version.ts'
import { inBackground } from './background.ts'
import { type CappedBytes, capKey, DataUsage } from './data-usage.ts'
import { Doors } from './doors.ts'
import { PolicyGate, replicaPolicy } from './policy-gate.ts'
import { Probes } from './probes.ts'
import type { StatusHub } from './status-hub.ts'
import { surroundingsWith } from './surroundings.ts'
import { askWifi } from './wifi/ask.ts'
import { WifiNames } from './wifi/wifi-names.ts'

export interface NetworkOptions {
  readonly home: string
  readonly identity: Identity
  readonly disk: DiskWorker
  readonly engine: Engine
  readonly clock: Clock
  /** What policies go by. */
  readonly calendar: Clock
  readonly log: Logger
  readonly hub: StatusHub
  /** Whom else this node listens to, and what peers say of members. */
  readonly members: Pick<Membership, 'joining' | 'linkUp' | 'receive' | 'isShutOut' | 'meet' | 'formerIds'>
  /** A peer speaks of who is let in at the coordinator. */
  readonly enrolment: (link: Link, message: MessageOf<'enrol'> | MessageOf<'enrolled'>) => void
  /** This machine's addresses are others now, or it has woken from sleep. */
  readonly moved?: (addresses: ReadonlySet<string>) => void
  /** A session that this node wanted has ended. */
  readonly fetched: (record: FetchRecord) => void
}

const beatMs = 60_000

/** The peers and the folders of this node, and which of them meet. */
export class Network implements AsyncDisposable {
  readonly options: NetworkOptions
  readonly hosts = new Map<FolderId, FolderHost>()
  readonly links = new Map<NodeId, Link>()
  readonly probes: Probes
  readonly usage: DataUsage
  readonly history: LinkHistory
  readonly policy: PolicyGate
  readonly doors: Doors
  /** The folders that each connected peer shares with this node, as it says. */
  readonly offered = new Map<NodeId, ReadonlySet<FolderId>>()
  /** How far the clock of each connected peer was ahead of ours when its link came up, ms. */
  readonly skews = new Map<NodeId, number>()
  readonly #wifi: WifiNames
  #config: Config | undefined
  #transport: Transport | undefined
  #gating: AsyncDisposable | undefined
  #beating: AsyncDisposable | undefined
  #discovery: Discovery | undefined
  #peers: readonly Peer[] = []
  /** Nothing passes before it is known whom to follow. */
  #follows: FolderState['follows'] = 'orders'

  constructor(options: NetworkOptions) {
    this.options = options
    this.probes = new Probes(this)
    const { home, clock, calendar, log } = options
    const file = join(home, 'usage.json')
    this.usage = new DataUsage({ file, clock: calendar, log, peers: () => this.#capped() })
    this.history = openLinkHistory({ file: historyFileOf(home), clock, log })
    this.#wifi = new WifiNames({
      clock,
      ask: (name, signal) => askWifi(name, { platform: process.platform, signal }),
      changed: () => this.#review(),
    })
    this.policy = new PolicyGate({
      clock: calendar,
      config: () => this.config,
      nameOf: (peer) => this.nameOf(peer),
      usedBytes: (peer, address) => this.capOver(peer, address)?.usedBytes ?? 0,
      standing: (folder, peer) => this.#standing(folder, peer),
      surroundings: surroundingsWith((name, address) => this.#wifi.of(name, address)),
      changed: () => this.#review(),
      failed: (error) => log.warn({ event: 'policy.not_asked', err: error }, 'it is asked again in a moment'),
    })
    const { hosts, links } = this
    const traffic = () => this.#transport?.links() ?? []
    this.doors = new Doors({ clock, policy: this.policy, hosts, links, traffic })
  }

  get config(): Config {
    if (!this.#config) throw new Error('the network is not started')
    return this.#config
  }

  get transport(): Transport {
    if (!this.#transport) throw new Error('the network is not started')
    return this.#transport
  }

  /** Throws PortInUseError or CannotListenError. */
  async start(config: Config): Promise<void> {
    const { identity, clock, log, engine, hub } = this.options
    this.#config = config
    const transport = createTransport({
      identity,
      name: config.name,
      listen: config.listen === undefined ? undefined : parseHostPort(config.listen),
      peers: this.#peersOf(config),
      foldersFor: (peer) => this.foldersFor(peer),
      clock,
      log: log.child({ component: 'transport' }),
      random: Math.random,
      software: `spansync/${version}`,
      unison: () => engine.version,
      joining: this.options.members.joining,
      meet: (certificate) => this.options.members.meet(certificate),
      onLinkUp: (link, hello) => this.#linkUp(link, hello),
      onLinkDown: (link) => this.#linkDown(link),
      onMeasured: () => hub.changed(),
      onLinkMoved: () => {
        this.doors.review()
        hub.changed()
      },
      onNetworkChanged: (addresses) => {
        this.#wifi.forget()
        this.#review()
        this.#discovery?.refresh()
        this.options.moved?.(addresses)
      },
      onHistory: (event) => this.history.note(event),
      onMessage: (link, message) => this.#message(link, message),
      onStream: (link, header, stream) => {
        const host = this.#shares(link.peer, header.folder) ? this.hosts.get(header.folder) : undefined
        if (host) host.onStream(link.peer, header, stream)
        else stream.destroy(new Error('this folder is not shared'))
      },
    })
    this.#transport = transport
    await transport.start()
    await this.#discover()
    this.usage.start()
    this.#beating = inBackground((signal) => this.#beat(signal))
    for (const [id, folder] of Object.entries(config.folders)) this.#open(id as FolderId, folder)
    this.#gating = this.policy.start(() => this.#pairs())
  }

  /** Takes a new configuration over; what it does not concern goes on undisturbed. */
  async apply(config: Config): Promise<void> {
    const before = this.config
    if (isDeepStrictEqual(before, config)) return
    // First of all, for what comes next may take its time, or fail: who is no peer any more is cut off.
    const isKept = ({ id }: Peer): boolean => Object.values(config.peers).some((peer) => peer.id === id)
    this.transport.setPeers(this.#peersOf(before).filter(isKept))
    if (before.listen !== config.listen) {
      await this.transport.setListen(config.listen === undefined ? undefined : parseHostPort(config.listen))
    }
    this.#config = config
    await this.#discover()
    for (const [id, folder] of Object.entries(before.folders)) {
      const next = config.folders[id as FolderId]
      const isReplicaSame = isDeepStrictEqual(
        replicaPolicy(before, id as FolderId),
        replicaPolicy(config, id as FolderId),
      )
      if (!next || !isReplicaSame || needsReopening(folder, next)) await this.#close(id as FolderId)
    }
    this.transport.setPeers(this.#peersOf(config))
    for (const [id, folder] of Object.entries(config.folders)) {
      if (!this.hosts.has(id as FolderId)) this.#open(id as FolderId, folder)
    }
    for (const [folder, host] of this.hosts) host.setSharers(this.#sharersOf(folder))
    this.doors.review()
    for (const link of this.links.values()) {
      this.#sayFolders(link)
      this.#join(link)
    }
    this.options.log.info({ event: 'config.taken' }, 'the new configuration is in force')
    this.options.hub.changed()
  }

  /** No folder has anything to do. */
  get isAtRest(): boolean {
    return [...this.hosts.values()].every(({ engine, isScanning }) => !engine?.isBusy && !isScanning)
  }

  /** Whose word counts for all folders from now on. */
  follow(follows: FolderState['follows']): void {
    if (this.#follows === follows) return
    this.#follows = follows
    for (const host of this.hosts.values()) host.follow(follows)
  }

  foldersFor(peer: NodeId): FolderId[] {
    const name = this.nameOf(peer)
    return Object.entries(this.config.folders)
      .filter(([, folder]) => folder.with === undefined || (name !== undefined && folder.with.includes(name)))
      .map(([id]) => id as FolderId)
  }

  /** The data cap that counts for a peer at an address, and how much of it this month has used. */
  capOver(id: NodeId, address: string | undefined): { bytes: number; usedBytes: number } | undefined {
    const name = this.nameOf(id)
    const peer = name === undefined ? undefined : this.config.peers[name]
    const cap = peer && settingsOver(peer, address).dataCap
    if (cap === undefined) return undefined
    // A peer with a new key has used what it had used before.
    const ids = [id, ...this.options.members.formerIds(id)]
    return { bytes: cap.bytes, usedBytes: this.usage.usedBytes(...ids.map((one) => capKey(one, cap.of))) }
  }

  nameOf(peer: NodeId): string | undefined {
    return nameOfPeer(this.config, peer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#discovery?.[Symbol.asyncDispose]()
    await this.#gating?.[Symbol.asyncDispose]()
    this.#wifi[Symbol.dispose]()
    await Promise.all([...this.hosts.keys()].map((id) => this.#close(id)))
    await this.usage[Symbol.asyncDispose]()
    await this.#transport?.[Symbol.asyncDispose]()
    await this.#beating?.[Symbol.asyncDispose]()
    this.history[Symbol.dispose]()
  }

  async #discover(): Promise<void> {
    const isWanted = discovers(this.config)
    if (isWanted && this.#discovery !== undefined) this.#discovery.refresh()
    if (isWanted === (this.#discovery !== undefined)) return
    await this.#discovery?.[Symbol.asyncDispose]()
    this.#discovery = undefined
    if (!isWanted) return
    const { identity, clock, log } = this.options
    this.#discovery = new Discovery({
      id: identity.id,
      listen: () => this.config.listen,
      port: () => this.transport.port,
      isPeer: (id) => this.nameOf(id) !== undefined,
      found: (id, addresses) => this.transport.setFound(id, addresses),
      clock,
      log: log.child({ component: 'discovery' }),
    })
    this.#discovery.start()
  }

  /** After a crash the history says until when the links were up, to a minute. */
  async #beat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.options.clock.sleep(beatMs, signal)
      this.history.beat()
    }
  }

  /** The policy may say something else than before. */
  #review(): void {
    this.doors.review()
    const peers = this.#peersOf(this.config)
    if (isDeepStrictEqual(peers, this.#peers)) return
    this.#peers = peers
    this.transport.setPeers(peers)
  }

  /** Whom this node talks to may have changed: who is shut out is cut off. */
  reviewPeers(): void {
    this.#review()
  }

  #peersOf(config: Config): Peer[] {
    const { members } = this.options
    const peers = peersOf(config).filter(({ id }) => !members.isShutOut(id))
    return peers.map((peer) => ({ ...peer, ...this.policy.ratesOf(peer.name) }))
  }

  #sayFolders(link: Link): void {
    const folders = this.foldersFor(link.peer)
    link.send({ type: 'folders', folders, priorities: this.doors.prioritiesFor(link.peer, folders) })
  }

  #standing(folder: FolderId, peer: NodeId): { digest: string; isSettled: boolean } | undefined {
    const { engine } = this.hosts.get(folder) ?? {}
    return engine && { digest: engine.index.meta().digest, isSettled: engine.isAtRestWith(peer) }
  }

  *#pairs(): Generator<readonly [FolderId, Link]> {
    for (const [folder, host] of this.hosts) for (const link of host.links.values()) yield [folder, link]
  }

  #capped(): CappedBytes[] {
    return (this.#transport?.links() ?? []).flatMap(({ node, name, bytesByAddress }) => {
      const peer = this.config.peers[name]
      return [...bytesByAddress].flatMap(([address, totalBytes]) => {
        const cap = peer && settingsOver(peer, address).dataCap
        return cap ? [{ id: capKey(node, address), cap: capKey(node, cap.of), totalBytes }] : []
      })
    })
  }

  #open(folder: FolderId, config: FolderConfig): void {
    const { home, identity, disk, engine, clock, log, hub } = this.options
    const host = new FolderHost({
      folder,
      config,
      home,
      nodeName: this.config.name,
      self: identity.id,
      formerIds: (node) => this.options.members.formerIds(node),
      wordEveryMs: this.config.advanced.membersMinutes * 60_000,
      disk,
      engine,
      clock,
      ...replicaPolicy(this.config, folder),
      door: (link) => this.policy.doorOf(folder, link),
      holdsBack: (link) => this.policy.holdsBack(folder, link),
      mustWait: (link) => this.doors.firstBefore(folder, link.peer) !== undefined,
      log: log.child({ component: 'folder', folder }),
      changed: () => {
        hub.changed()
        this.doors.folderChanged(folder)
      },
      fetched: this.options.fetched,
    })
    this.hosts.set(folder, host)
    host.follow(this.#follows)
    host.setSharers(this.#sharersOf(folder))
    host.start()
    for (const link of this.links.values()) if (this.#shares(link.peer, folder)) host.linkUp(link)
  }

  async #close(folder: FolderId): Promise<void> {
    const host = this.hosts.get(folder)
    this.hosts.delete(folder)
    await host?.[Symbol.asyncDispose]()
  }

  #shares(peer: NodeId, folder: FolderId): boolean {
    return this.foldersFor(peer).includes(folder) && this.offered.get(peer)?.has(folder) === true
  }

  /** Whom a person here shares the folder with, but for those who say that they do not hold it. One that is away still counts. */
  #sharersOf(folder: FolderId): NodeId[] {
    return Object.values(this.config.peers)
      .map(({ id }) => id)
      .filter((id) => this.foldersFor(id).includes(folder) && this.offered.get(id)?.has(folder) !== false)
  }

  #linkUp(link: Link, hello: MessageOf<'hello'>): void {
    this.links.set(link.peer, link)
    this.offered.set(link.peer, new Set(hello.folders))
    this.skews.set(link.peer, hello.now - Math.round(this.options.clock.wallNow()))
    this.options.members.linkUp(link)
    if (Object.keys(this.doors.prioritiesFor(link.peer, this.foldersFor(link.peer))).length > 0) this.#sayFolders(link)
    this.#join(link)
    this.options.hub.changed()
  }

  #linkDown(link: Link): void {
    if (this.links.get(link.peer) !== link) return
    this.links.delete(link.peer)
    this.offered.delete(link.peer)
    this.skews.delete(link.peer)
    this.doors.linkDown(link.peer)
    for (const host of this.hosts.values()) host.linkDown(link.peer)
    this.probes.linkDown(link.peer)
    this.#discovery?.refresh()
    this.options.hub.changed()
  }

  /** Brings together what both sides share, and parts what they no longer do. */
  #join(link: Link): void {
    for (const [folder, host] of this.hosts) {
      const shares = this.#shares(link.peer, folder)
      const joined = host.links.get(link.peer) === link
      if (shares && !joined) host.linkUp(link)
      if (!shares && joined) host.linkDown(link.peer)
      host.setSharers(this.#sharersOf(folder))
    }
    this.doors.review()
  }

  #message(link: Link, message: Message): void {
    if (message.type === 'folders') {
      this.offered.set(link.peer, new Set(message.folders))
      this.doors.hear(link.peer, message)
      this.#join(link)
      return this.options.hub.changed()
    }
    if (message.type === 'hello') return
    if (message.type === 'roster') return this.options.members.receive(link, message)
    if (message.type === 'enrol' || message.type === 'enrolled') return this.options.enrolment(link, message)
    if (message.type === 'probe_reply') return this.probes.onReply(link.peer, message)
    const host = this.#shares(link.peer, message.folder) ? this.hosts.get(message.folder) : undefined
    if (host) return this.#toFolder(host, link.peer, message)
    if (message.type === 'fetch') {
      const { folder, id } = message
      link.send({ type: 'fetched', folder, id, outcome: 'failed', detail: 'this folder is not open here' })
    }
    this.options.log.debug({
      event: 'message.not_shared',
      peer: link.name,
      folder: message.folder,
      type: message.type,
    })
  }

  #toFolder(
    host: FolderHost,
    peer: NodeId,
    message: Exclude<Message, { type: 'folders' | 'hello' | 'roster' | 'probe_reply' | 'enrol' | 'enrolled' }>,
  ): void {
    switch (message.type) {
      case 'summary':
        return host.onSummary(peer, message)
      case 'entries':
        return host.onEntries(peer, message)
      case 'resend':
        return host.onResend(peer, message)
      case 'compare':
      case 'compared':
        return host.onCompare(peer, message)
      case 'disputed':
        return host.onDisputed(peer, message)
      case 'members':
        return host.onMembers(peer, message)
      case 'fetch':
        return host.onFetch(peer, message)
      case 'fetched':
        return host.onFetched(peer, message)
      case 'ahead':
      case 'ahead_wanted':
      case 'ahead_gone':
        return host.onAhead(peer, message)
      case 'parcel_wanted':
      case 'parcel_gone':
        return host.onParcel(peer, message)
      case 'probe':
        return this.probes.onProbe(peer, message)
    }
  }
}

function peersOf(config: Config): Peer[] {
  return Object.entries(config.peers).map(([name, peer]) => {
    const { id, addresses, priced } = peer
    const cost = costOver(peer)
    const costs = Object.fromEntries(addresses.map((address) => [address, costOver(peer, address)]))
    return { id, name, addresses, mayProbe: cost.mayProbe, cost, ...(priced === undefined ? {} : { costs }) }
  })
}

function costOver(peer: PeerConfig, address?: string): AddressCost {
  const { metered, pricePerGb = 0, throughputBps, latencyMs } = settingsOver(peer, address)
  const mayProbe = !metered && pricePerGb === 0 && throughputBps === undefined
  return { metered, pricePerGb, throughputBps, latencyMs, mayProbe }
}

/** Who gets a folder and when, and how long its versions are kept, need no reopening; the rest does. What its policy says of the
 *  replica is compared by itself. */
function needsReopening(before: FolderConfig, after: FolderConfig): boolean {
  const { with: _before, versions: _kept, policy: _said, ...rest } = before
  const { with: _after, versions: _keeping, policy: _saying, ...others } = after
  return !isDeepStrictEqual(rest, others)
}
