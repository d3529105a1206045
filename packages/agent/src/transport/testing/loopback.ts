import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, MessageOf, StreamHeader } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import { createLogger } from '@spansync/common/runtime/logger'
import { createIdentity, type Identity } from '../identity.ts'
import { createTransport } from '../transport.ts'
import type { Peer, Transport, TransportOptions } from '../types.ts'

/** A few identities with ids in rising order, made once: `a` has the smallest id. */
export async function makeIdentities(count: number): Promise<readonly Identity[]> {
  const directory = await mkdtemp(join(tmpdir(), 'spansync-id-'))
  try {
    const made = await Promise.all(
      Array.from({ length: count }, (_, index) => createIdentity(join(directory, String(index)))),
    )
    return made.sort((left, right) => (left.id < right.id ? -1 : 1))
  } finally {
    await rm(directory, { recursive: true })
  }
}

export interface LogLine {
  readonly level: string
  readonly event?: string
  readonly code?: string
  readonly msg?: string
  readonly [field: string]: unknown
}

export interface OpenedStream {
  readonly link: Link
  readonly header: StreamHeader
  readonly stream: Duplex
}

/** One transport on 127.0.0.1 that writes down everything it is told. */
export class LoopbackNode implements AsyncDisposable {
  readonly id: NodeId
  readonly name: string
  readonly transport: Transport
  readonly ups: { link: Link; hello: MessageOf<'hello'> }[] = []
  readonly downs: { link: Link; reason: SpansyncError }[] = []
  readonly messages: Message[] = []
  readonly streams: OpenedStream[] = []
  readonly logs: LogLine[] = []
  #watchers: (() => void)[] = []

  constructor(identity: Identity, name: string, options: Partial<TransportOptions> = {}) {
    this.id = identity.id
    this.name = name
    this.transport = createTransport({
      identity,
      name,
      listen: { host: '127.0.0.1', port: 0 },
      peers: [],
      foldersFor: () => ['docs' as FolderId],
      clock: systemClock,
      random: Math.random,
      log: createLogger({ level: 'debug', destination: { write: (line) => this.#log(line) } }),
      onLinkUp: (link, hello) => this.#note(() => this.ups.push({ link, hello })),
      onLinkDown: (link, reason) => this.#note(() => this.downs.push({ link, reason })),
      onMessage: (_link, message) => this.#note(() => this.messages.push(message)),
      onStream: (link, header, stream) => this.#note(() => this.streams.push({ link, header, stream })),
      ...options,
    })
  }

  get address(): string {
    return `127.0.0.1:${this.transport.port}`
  }

  /** The link that is up. */
  get link(): Link {
    const last = this.ups.at(-1)
    if (last === undefined) throw new Error(`${this.name} has no link`)
    return last.link
  }

  /** This node as a peer of others; `dialable` with its address. */
  asPeer({ dialable = false, ...rest }: { dialable?: boolean } & Partial<Peer> = {}): Peer {
    return { id: this.id, name: this.name, addresses: dialable ? [this.address] : [], ...rest }
  }

  /** Waits for a condition that one of the callbacks or log lines makes true. */
  async until(condition: (node: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport[Symbol.asyncDispose]()
  }

  #log(line: string): void {
    this.#note(() => this.logs.push(JSON.parse(line) as LogLine))
  }

  #note(act: () => void): void {
    act()
    for (const wake of this.#watchers.splice(0)) wake()
  }
}

/** Makes `dialer` dial `listener` and waits until both say that the link is up. */
export async function linked(dialer: LoopbackNode, listener: LoopbackNode): Promise<void> {
  listener.transport.setPeers([dialer.asPeer()])
  dialer.transport.setPeers([listener.asPeer({ dialable: true })])
  await dialer.until(({ ups }) => ups.length > 0)
  await listener.until(({ ups }) => ups.length > 0)
}
