import type { z } from 'zod'
import type { Clock } from '../../ports.ts'
import { messageBytes } from '../../protocol/coordination.ts'
import type { Logger } from '../../runtime/logger.ts'

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** One line for a log. Parts of what was received may be quoted in it, at most `problemLength` characters in all. */
  | { readonly ok: false; readonly problem: string }

const problemLength = 200

/** Bytes from the network as a message. The size is checked before anything reads them. Never throws. */
export function parseMessage<T>(schema: z.ZodType<T>, data: Uint8Array, maxBytes = messageBytes): Parsed<T> {
  if (data.length > maxBytes) return bad(`${data.length} bytes; at most ${maxBytes} are allowed`)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    return bad('not JSON')
  }
  const found = schema.safeParse(json)
  if (found.success) return { ok: true, value: found.data }
  const [issue] = found.error.issues
  return bad(`${issue?.path.map(String).join('.') || 'message'}: ${issue?.message ?? 'does not fit'}`)
}

function bad(problem: string): { ok: false; problem: string } {
  return { ok: false, problem: problem.replace(/\p{Cc}/gu, '?').slice(0, problemLength) }
}

/** One line per source and this long. */
const quietMs = 60_000
/** More sources than this share one entry, so that made-up subjects fill no memory. */
const maxSources = 200

interface Source {
  readonly loggedAt: number
  readonly silent: number
}

/** Counts messages that do not fit and were dropped, and says so in the log, at most once a minute for each source. */
export class Refused {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #sources = new Map<string, Source>()
  #total = 0

  constructor({ log, clock }: { log: Logger; clock: Clock }) {
    this.#log = log
    this.#clock = clock
  }

  /** Since the start. */
  get total(): number {
    return this.#total
  }

  /** `source`: who sent it or on which subject. */
  note(source: string, problem: string): void {
    this.#total++
    const key = this.#sources.has(source) || this.#sources.size < maxSources ? source : 'others'
    const now = this.#clock.now()
    const before = this.#sources.get(key)
    if (before !== undefined && now - before.loggedAt < quietMs) {
      this.#sources.set(key, { ...before, silent: before.silent + 1 })
      return
    }
    this.#sources.set(key, { loggedAt: now, silent: 0 })
    const fields = { event: 'nats.message_dropped', source: key, problem, unlogged: before?.silent ?? 0 }
    this.#log.warn(fields, 'a message that does not fit was dropped; are all machines on the same version?')
  }
}
