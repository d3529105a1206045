import type { FakeClock } from '@spansync/common/runtime/fake-clock'
import { StoreUnreachableError } from '../errors.ts'
import type { Acquisition, Epoch, LeaseStore } from '../store.ts'

/** A lease whose answers can be lost, held back or refused. */
export class FakeLease implements LeaseStore {
  readonly #clock: FakeClock
  held: { holder: string; epoch: Epoch; untilMs: number; ttlMs: number } | undefined
  epoch = 0 as Epoch
  /** How the store behaves towards a holder; `lost`: it does what it is asked and the answer never comes, `slow`: the
   *  answer takes almost as long as it is waited for. */
  readonly trouble = new Map<string, 'down' | 'hangs' | 'lost' | 'slow'>()

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  as(holder: string): LeaseStore {
    const through = async <T>(work: () => T): Promise<T> => {
      const trouble = this.trouble.get(holder)
      if (trouble === 'down') throw new StoreUnreachableError('redis://store', new Error('connect ECONNREFUSED'))
      const value = trouble === 'hangs' ? undefined : work()
      if (trouble === 'slow') await this.#clock.sleep(1400)
      return trouble === undefined || trouble === 'slow' ? (value as T) : new Promise(() => {})
    }
    return {
      acquire: (name, ttl) => through(() => this.#acquire(name, ttl)),
      renew: (epoch) => through(() => this.#renew(epoch)),
      release: (epoch) => through(() => this.#release(epoch)),
      current: () => this.current(),
    }
  }

  acquire = async (holder: string, ttl: number) => this.#acquire(holder, ttl)
  renew = async (epoch: Epoch) => this.#renew(epoch)
  release = async (epoch: Epoch) => this.#release(epoch)
  current = async () => undefined

  #acquire(holder: string, ttl: number): Acquisition {
    const leftMs = (this.held?.untilMs ?? 0) - this.#clock.now()
    if (this.held !== undefined && leftMs > 0 && this.held.holder !== holder) {
      return { status: 'held', by: this.held.holder, leftMs }
    }
    this.epoch = (this.epoch + 1) as Epoch
    this.held = { holder, epoch: this.epoch, untilMs: this.#clock.now() + ttl, ttlMs: ttl }
    return { status: 'acquired', epoch: this.epoch }
  }

  #renew(epoch: Epoch): boolean {
    if (this.held?.epoch !== epoch || this.held.untilMs <= this.#clock.now()) return false
    this.held.untilMs = this.#clock.now() + this.held.ttlMs
    return true
  }

  #release(epoch: Epoch): void {
    if (this.held?.epoch === epoch) this.held = undefined
  }
}
