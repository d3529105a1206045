import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'
import Database from 'better-sqlite3'
import { guarded, IndexDamagedError } from '../index-store/errors.ts'
import { setAside } from '../index-store/open-index.ts'
import type { LinkEvent } from '../transport/types.ts'
import { availabilityOf, type LinkTurn, together, type Uptime, withTurn } from './availability.ts'

/** An event as it is kept. */
export interface KeptEvent {
  /** Ms since 1970, by this machine's clock. */
  readonly at: number
  readonly peer: NodeId
  /** What this machine called the peer then. */
  readonly name: string
  readonly what: LinkTurn
  /** `host:port` in use, or that dialled here. */
  readonly address: string | undefined
  /** Why it went down, or did not come up. */
  readonly code: string | undefined
  readonly message: string | undefined
}

export interface LinkHistoryOptions {
  readonly file: string
  readonly clock: Clock
  readonly log: Logger
}

export interface EventQuery {
  /** Only of these ids; absent: of all. */
  readonly peers?: readonly NodeId[] | undefined
  /** The newest so many. */
  readonly limit: number
}

export function historyFileOf(home: string): string {
  return join(home, 'links.sqlite')
}

/** Of one link; a link that flaps cannot push out what is known of the others. About 100 bytes each. */
const mostPerPeer = 4000
/** The oldest go this many at a time. */
const trimmedAtOnce = 400
const keptMs = 400 * 24 * 3_600_000

/** Opens the history, or makes it. A damaged one is set aside: nothing else depends on it. */
export function openLinkHistory(options: LinkHistoryOptions): LinkHistory {
  const { file, log } = options
  try {
    return guarded(file, () => new LinkHistory(options))
  } catch (error) {
    if (!(error instanceof IndexDamagedError)) throw error
    const aside = setAside(file, 'damaged')
    log.warn({ event: 'history.set_aside', aside, err: error }, 'the history of links begins anew')
    return new LinkHistory(options)
  }
}

/** What has happened to every link, in the agent's home. Each event is on the disk when `note` returns; a power cut may cost the last. */
export class LinkHistory implements Disposable {
  readonly #options: LinkHistoryOptions
  readonly #database: Database.Database
  readonly #add: Database.Statement
  readonly #trim: Database.Statement
  readonly #alive: Database.Statement
  readonly #uptimes = new Map<NodeId, Uptime>()
  readonly #counts = new Map<NodeId, number>()

  constructor(options: LinkHistoryOptions) {
    const { file, clock } = options
    this.#options = options
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    this.#database = new Database(file)
    try {
      this.#configure()
      this.#add = this.#database.prepare(
        'INSERT INTO events (at, peer, name, what, address, code, message) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      this.#trim = this.#database.prepare(
        'DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE peer = ? ORDER BY seq LIMIT ?)',
      )
      this.#alive = this.#database.prepare('INSERT OR REPLACE INTO alive (one, at) VALUES (1, ?)')
      this.#database.prepare('DELETE FROM events WHERE at < ?').run(clock.wallNow() - keptMs)
      this.#load()
      this.#endBroken()
      this.beat()
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Never throws: a full disk must not stop a link. */
  note({ peer, name, what, address, code, message }: LinkEvent): void {
    const at = Math.round(this.#options.clock.wallNow())
    try {
      this.#keep({ at, peer, name, what, address, code, message })
    } catch (error) {
      this.#options.log.warn({ event: 'history.not_kept', peer: name, err: error }, 'make room on the disk')
    }
  }

  /** This agent still runs: after a crash, its links were up until the last time that it said so. */
  beat(): void {
    try {
      this.#alive.run(Math.round(this.#options.clock.wallNow()))
    } catch (error) {
      this.#options.log.warn({ event: 'history.not_kept', err: error }, 'make room on the disk')
    }
  }

  /** Share of the kept time that the link was up, under all ids of the peer; undefined when nothing is known. */
  availability(...ids: readonly NodeId[]): number | undefined {
    const uptime = together(ids.flatMap((id) => this.#uptimes.get(id) ?? []))
    return uptime && availabilityOf(uptime, this.#options.clock.wallNow())
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }

  #configure(): void {
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = NORMAL')
    this.#database.exec(
      `CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, peer TEXT NOT NULL, name TEXT NOT NULL,
         what TEXT NOT NULL, address TEXT, code TEXT, message TEXT) STRICT;
       CREATE INDEX IF NOT EXISTS events_of_peer ON events (peer, seq);
       CREATE TABLE IF NOT EXISTS alive (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT`,
    )
  }

  #keep({ at, peer, name, what, address, code, message }: KeptEvent): void {
    this.#add.run(at, peer, name, what, address ?? null, code ?? null, message?.slice(0, 500) ?? null)
    this.#uptimes.set(peer, withTurn(this.#uptimes.get(peer), { at, what }))
    const count = (this.#counts.get(peer) ?? 0) + 1
    this.#counts.set(peer, count)
    if (count < mostPerPeer + trimmedAtOnce) return
    this.#trim.run(peer, count - mostPerPeer)
    this.#load()
  }

  #load(): void {
    this.#uptimes.clear()
    this.#counts.clear()
    const rows = this.#database.prepare('SELECT peer, at, what FROM events ORDER BY seq').iterate()
    for (const { peer, at, what } of rows as Iterable<{ peer: NodeId; at: number; what: LinkTurn }>) {
      this.#uptimes.set(peer, withTurn(this.#uptimes.get(peer), { at, what }))
      this.#counts.set(peer, (this.#counts.get(peer) ?? 0) + 1)
    }
  }

  /** What was up when the agent before this one ended without a word. */
  #endBroken(): void {
    const at = this.#database.prepare('SELECT at FROM alive').pluck().get() as number | undefined
    const last = this.#database.prepare('SELECT name, address FROM events WHERE peer = ? ORDER BY seq DESC LIMIT 1')
    for (const [peer, { upSince }] of this.#uptimes) {
      if (upSince === undefined) continue
      const { name, address } = last.get(peer) as { name: string; address: string | null }
      const message = 'the agent on this machine ended without a word'
      const ended = { peer, name, what: 'down', code: 'agent_ended', message } as const
      this.#keep({ ...ended, at: Math.max(at ?? 0, upSince), address: address ?? undefined })
    }
  }
}

/** What a history holds, oldest first, also while an agent writes it. */
export function readLinkEvents(file: string, { peers, limit }: EventQuery): KeptEvent[] {
  if (!existsSync(file)) return []
  const database = new Database(file, { readonly: true })
  try {
    const rows = database
      .prepare(
        `SELECT at, peer, name, what, address, code, message FROM events
         WHERE :peers IS NULL OR peer IN (SELECT value FROM json_each(:peers)) ORDER BY seq DESC LIMIT :limit`,
      )
      .all({ peers: peers === undefined ? null : JSON.stringify(peers), limit }) as (Omit<
      KeptEvent,
      'address' | 'code' | 'message'
    > &
      Nullable)[]
    return rows.reverse().map(({ address, code, message, ...rest }) => ({
      ...rest,
      address: address ?? undefined,
      code: code ?? undefined,
      message: message ?? undefined,
    }))
  } finally {
    database.close()
  }
}

type Nullable = { readonly [key in 'address' | 'code' | 'message']: string | null }
