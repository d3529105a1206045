import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { counter } from '@spansync/common/protocol/values'
import { errnoOf } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { z } from 'zod'
import { inBackground } from './background.ts'

/** Bytes both ways under each data cap, in one month: by the peer's id, or, for the cap of one address, `id address`. */
const usageSchema = z.object({
  month: z.string().regex(/^\d{4}-\d{2}$/),
  peers: z.record(z.string().max(512), counter),
})

/** Bytes that count against a cap. */
export interface CappedBytes {
  /** Where they went: a peer, or one of its addresses. */
  readonly id: string
  readonly cap: string
  /** Both ways together, since the agent has started. */
  readonly totalBytes: number
}

export interface DataUsageOptions {
  readonly file: string
  readonly clock: Clock
  readonly log: Logger
  readonly peers: () => readonly CappedBytes[]
}

/** A crash forgets what was used since the last time. */
const saveMs = 30_000

/** How much of its data cap each link has used in this calendar month, also across restarts. */
export class DataUsage implements AsyncDisposable {
  readonly #options: DataUsageOptions
  #month: string
  #used: Map<string, number>
  /** What was counted already of the totals. */
  readonly #counted = new Map<string, number>()
  #isSaved = true
  #saving: AsyncDisposable | undefined

  constructor(options: DataUsageOptions) {
    this.#options = options
    this.#month = this.#thisMonth()
    this.#used = new Map()
  }

  start(): void {
    const saved = this.#load()
    if (saved?.month === this.#month) this.#used = new Map(Object.entries(saved.peers))
    this.#saving = inBackground((signal) => this.#keepSaving(signal))
  }

  /** Under all of these together, in this month. */
  usedBytes(...caps: readonly string[]): number {
    this.#count()
    return caps.reduce((sum, cap) => sum + (this.#used.get(cap) ?? 0), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving?.[Symbol.asyncDispose]()
    this.#count()
    await this.#save()
  }

  #count(): void {
    const month = this.#thisMonth()
    if (month !== this.#month) {
      this.#month = month
      this.#used.clear()
      this.#isSaved = false
    }
    for (const { id, cap, totalBytes } of this.#options.peers()) {
      const counted = this.#counted.get(id) ?? 0
      // A peer that was removed and added again begins at 0.
      const more = totalBytes >= counted ? totalBytes - counted : totalBytes
      this.#counted.set(id, totalBytes)
      if (more === 0) continue
      this.#used.set(cap, (this.#used.get(cap) ?? 0) + more)
      this.#isSaved = false
    }
  }

  async #keepSaving(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    for (;;) {
      await clock.sleep(saveMs, signal)
      this.#count()
      await this.#save()
    }
  }

  async #save(): Promise<void> {
    const { file, log } = this.#options
    if (this.#isSaved) return
    this.#isSaved = true
    const temporary = `${file}.new`
    try {
      await writeFile(temporary, JSON.stringify({ month: this.#month, peers: Object.fromEntries(this.#used) }))
      await rename(temporary, file)
    } catch (error) {
      this.#isSaved = false
      log.warn({ event: 'usage.not_saved', err: error }, 'after a restart the data caps will count too little')
    }
  }

  #load(): z.infer<typeof usageSchema> | undefined {
    const { file, log } = this.#options
    try {
      return usageSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT')
        log.warn({ event: 'usage.unreadable', file, err: error }, 'what the data caps have used begins at 0')
      return undefined
    }
  }

  /** By the machine's own calendar, as providers count. */
  #thisMonth(): string {
    const now = new Date(this.#options.clock.wallNow())
    return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}`
  }
}

/** The key of a cap: of the peer as a whole (`of` is ''), or of one of its addresses. */
export function capKey(peer: NodeId, of: string): string {
  return of === '' ? peer : `${peer} ${of}`
}

/** What is left of the cap, in steps of a hundredth: the coordinator need not hear of every byte. 0 only when nothing is. */
export function leftOf(capBytes: number, usedBytes: number): number {
  const step = Math.max(1, capBytes / 100)
  return Math.ceil(Math.ceil(Math.max(0, capBytes - usedBytes) / step) * step)
}
