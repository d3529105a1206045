import { randomBytes } from 'node:crypto'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { secretBytes } from './code.ts'
import { isProof } from './proof.ts'

/** For so long an invitation can be used. */
export const validMs = 600_000
/** More at a time nobody needs; the oldest ends. */
const most = 16
interface Invitation {
  readonly secret: Buffer
  readonly until: number
  /** By the clock on the wall: the other one may stand still while the machine sleeps. */
  readonly wallUntil: number
}

export type Outcome = 'accepted' | 'wrong' | 'none'

/** What this machine has invited others with. Only in memory: a restart ends them all. */
export class Invitations {
  readonly #clock: Clock
  #open: Invitation[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Somebody may come. */
  get isAnyOpen(): boolean {
    this.#expire()
    return this.#open.length > 0
  }

  make(): Buffer {
    this.#expire()
    const secret = randomBytes(secretBytes)
    const [until, wallUntil] = [this.#clock.now() + validMs, this.#clock.wallNow() + validMs]
    this.#open = [...this.#open, { secret, until, wallUntil }].slice(-most)
    return secret
  }

  /** Uses up the invitation that the proof was made with. */
  use(proof: Buffer, of: { readonly joiner: NodeId; readonly inviter: NodeId; readonly binding: Buffer }): Outcome {
    this.#expire()
    if (this.#open.length === 0) return 'none'
    const found = this.#open.find(({ secret }) => isProof(proof, { ...of, secret }))
    if (found !== undefined) {
      this.#open = this.#open.filter((one) => one !== found)
      return 'accepted'
    }
    return 'wrong'
  }

  #expire(): void {
    const [now, wallNow] = [this.#clock.now(), this.#clock.wallNow()]
    this.#open = this.#open.filter(({ until, wallUntil }) => now < until && wallNow < wallUntil)
  }
}
