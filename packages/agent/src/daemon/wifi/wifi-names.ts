import type { Clock } from '@spansync/common/ports'
import type { Wifi } from './ask.ts'

export interface WifiNamesOptions {
  readonly clock: Clock
  /** Rejects only when the signal aborts. */
  readonly ask: (name: string, signal: AbortSignal) => Promise<Wifi>
  /** The answer is another one than before. */
  readonly changed: () => void
}

interface Known {
  readonly wifi: Wifi
  readonly askedAt: number
}

/** A machine may go from one Wi-Fi to another and keep its address. */
const staleMs = 5000
/** An older name may be that of another place: nobody goes by it any more. */
const worthlessMs = 15_000
/** Addresses of this machine that are remembered; more than it has at a time. */
const mostKnown = 16

const asking: Wifi = {
  unknown: { message: 'the name of the Wi-Fi is being asked for', remedy: 'wait a moment' },
}

/** The names of the Wi-Fis that this machine is on. Answers at once with what was heard last, and asks the system behind that when it is
 *  old. So nobody is asked while nobody wants to know. */
export class WifiNames implements Disposable {
  readonly #options: WifiNamesOptions
  readonly #known = new Map<string, Known>()
  #asked = new Set<string>()
  readonly #stop = new AbortController()

  constructor(options: WifiNamesOptions) {
    this.#options = options
  }

  /** With another address it is another network, whose name is not known yet. */
  of(name: string, address: string): Wifi {
    const key = `${name} ${address}`
    const known = this.#known.get(key)
    const ageMs = known === undefined ? worthlessMs : this.#options.clock.now() - known.askedAt
    if (ageMs >= staleMs) this.#ask(name, key)
    if (known !== undefined && ageMs < worthlessMs) return known.wifi
    // So that the next answer is news, whatever it is.
    this.#known.delete(key)
    return asking
  }

  /** The machine is on other networks, or has woken elsewhere: no name counts, and no answer to what was asked before. */
  forget(): void {
    this.#known.clear()
    this.#asked = new Set()
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new Error('the agent stops'))
  }

  #ask(name: string, key: string): void {
    const { clock, ask } = this.#options
    const { signal } = this.#stop
    const asked = this.#asked
    if (asked.has(key) || signal.aborted) return
    asked.add(key)
    const askedAt = clock.now()
    ask(name, signal)
      .then((wifi) => {
        if (asked === this.#asked) this.#note(key, { wifi, askedAt })
      })
      // It only fails because the agent stops.
      .catch(() => undefined)
      .finally(() => asked.delete(key))
  }

  #note(key: string, known: Known): void {
    const before = this.#known.get(key)?.wifi
    this.#known.delete(key)
    this.#known.set(key, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest)
    if (this.#stop.signal.aborted || isSame(before, known.wifi)) return
    this.#options.changed()
  }
}

function isSame(before: Wifi | undefined, wifi: Wifi): boolean {
  if (before === undefined) return false
  if ('unknown' in before) return 'unknown' in wifi && before.unknown.message === wifi.unknown.message
  return 'ssid' in wifi && before.ssid === wifi.ssid
}
