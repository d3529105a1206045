import type { Clock } from '@spansync/common/ports'
import { Alarm } from './alarm.ts'

/** The link has just come up: what it is for goes first. */
const firstMs = 1_000
/** Between two tries of an address that cannot be reached: one packet each. */
const failedMs = [5_000, 10_000, 15_000] as const
const patientMs = 300_000
/** After so many, half an hour, it is not expected soon; when this machine gets to another network all begins anew. */
const mostTries = 100
/** One that is there and no better is measured anew then. */
const keptMs = 600_000
const restMs = 24 * 3_600_000

export interface ScoutHooks {
  readonly clock: Clock
  /** Addresses that the link might go over instead, best first; none while it is down, or not ours to move. */
  readonly candidates: () => readonly string[]
  /** Tries and measures one. Rejects when it cannot be reached. Never called for two at a time. */
  readonly attempt: (address: string) => Promise<'moved' | 'kept'>
}

interface Plan {
  readonly at: number
  readonly tries: number
}

/** Looks whether a link that is up could go over a better address. Costs nothing where there is no other. */
export class Scout {
  readonly #hooks: ScoutHooks
  readonly #alarm: Alarm
  readonly #plans = new Map<string, Plan>()
  #stopped = false

  constructor(hooks: ScoutHooks) {
    this.#hooks = hooks
    this.#alarm = new Alarm(hooks.clock)
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const due = this.#due()
      if (due === undefined) await this.#alarm.wait(this.#waitMs())
      else await this.#try(due)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.wake()
  }

  /** Something is different: all are tried soon. */
  news({ afterMs = 0 }: { afterMs?: number } = {}): void {
    const at = this.#hooks.clock.now() + afterMs
    this.#plans.clear()
    for (const address of this.#hooks.candidates()) this.#plans.set(address, { at, tries: 0 })
    this.#alarm.wake()
  }

  linkUp(): void {
    this.news({ afterMs: firstMs })
  }

  /** The link has moved away from this address, and other addresses may be tried again. */
  left(address: string): void {
    this.#plans.set(address, { at: this.#hooks.clock.now() + keptMs, tries: 0 })
    this.#alarm.wake()
  }

  #due(): string | undefined {
    const now = this.#hooks.clock.now()
    return this.#hooks.candidates().find((address) => (this.#plans.get(address)?.at ?? now) <= now)
  }

  #waitMs(): number {
    const now = this.#hooks.clock.now()
    const times = this.#hooks.candidates().map((address) => this.#plans.get(address)?.at ?? now)
    return Math.max(1, Math.min(restMs, ...times.map((at) => at - now)))
  }

  async #try(address: string): Promise<void> {
    const { clock, attempt } = this.#hooks
    const before = this.#plans.get(address)
    const result = await attempt(address).catch(() => 'failed' as const)
    // What was learnt meanwhile counts more.
    if (this.#plans.get(address) !== before) return
    const tries = result === 'failed' ? (before?.tries ?? 0) + 1 : 0
    this.#plans.set(address, { at: clock.now() + (result === 'failed' ? pauseAfter(tries) : keptMs), tries })
  }
}

function pauseAfter(tries: number): number {
  return tries > mostTries ? patientMs : (failedMs[tries - 1] ?? failedMs[2])
}
