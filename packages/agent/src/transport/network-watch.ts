import { networkInterfaces } from 'node:os'
import type { Clock } from '@spansync/common/ports'
import { Alarm } from './alarm.ts'

const lookEveryMs = 5_000
/** While a peer is out of reach: it may be what this machine is on its way to. */
const apartLookEveryMs = 500
/** A sleep that took this much longer on the wall means that the machine was asleep itself: what measures time otherwise may have stood
 *  still meanwhile. */
const sleptMs = 10_000

/** Own addresses, without those that only reach this machine. One look takes some 50 us. */
export function ownAddresses(): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return new Set(addresses.filter((address) => !address.internal).map((address) => address.address))
}

export interface NetworkWatchOptions {
  /** A link that this machine dials is down. Default: none is. */
  readonly isApart?: () => boolean
  readonly look?: () => ReadonlySet<string>
}

/** Calls `changed` when this machine's addresses are not what they were, or when it wakes from sleep. Runs until disposed. */
export class NetworkWatch {
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #isApart: () => boolean
  readonly #look: () => ReadonlySet<string>
  #running = false

  constructor(clock: Clock, { isApart = () => false, look = ownAddresses }: NetworkWatchOptions = {}) {
    this.#clock = clock
    this.#alarm = new Alarm(clock)
    this.#isApart = isApart
    this.#look = look
  }

  async run(changed: (addresses: ReadonlySet<string>) => void): Promise<void> {
    this.#running = true
    let known = key(this.#look())
    for (;;) {
      const before = this.#clock.wallNow()
      const waitMs = this.#isApart() ? apartLookEveryMs : lookEveryMs
      await this.#alarm.wait(waitMs)
      if (!this.#running) return
      const addresses = this.#look()
      const slept = this.#clock.wallNow() - before > waitMs + sleptMs
      if (key(addresses) === known && !slept) continue
      known = key(addresses)
      changed(addresses)
    }
  }

  stop(): void {
    this.#running = false
    this.#alarm.wake()
  }
}

/** True when a connection is bound to an address that this machine no longer has. Loopback never goes. */
export function hasLost(own: ReadonlySet<string>, address: string | undefined): boolean {
  if (address === undefined || /^(127\.|::1$|::ffff:127\.)/.test(address)) return false
  return !own.has(address.replace(/^::ffff:/, ''))
}

function key(addresses: ReadonlySet<string>): string {
  return [...addresses].sort().join(' ')
}
