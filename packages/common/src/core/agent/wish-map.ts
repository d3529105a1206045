import type { RelativePath } from '../causal/types.ts'
import { type Amount, add, amountOf, noAmount, subtract } from './amount.ts'
import { LayeredMap } from './layered-map.ts'
import type { Wanted } from './state.ts'
import { wishFlags } from './wishes.ts'

/** All wishes for what one peer has. Those that policy holds back lie apart: there may be a hundred thousand of them for as long as the
 *  rules say so, and an event that is about the others must not search them. */
export class WishMap implements ReadonlyMap<RelativePath, Wanted> {
  readonly #open: LayeredMap<Wanted>
  #held: LayeredMap<Wanted>
  #heldAmount: Amount
  /** The layer with those held back is copied when the first of them changes. */
  #isHeldShared: boolean

  constructor(from?: WishMap) {
    this.#open = from ? from.#open.copy() : new LayeredMap(wishFlags)
    this.#held = from ? from.#held : new LayeredMap(wishFlags)
    this.#heldAmount = from ? from.#heldAmount : noAmount
    this.#isHeldShared = from !== undefined
  }

  copy(): WishMap {
    return new WishMap(this)
  }

  /** Those that policy lets pass. */
  get open(): Omit<LayeredMap<Wanted>, 'set' | 'delete'> {
    return this.#open
  }

  get held(): Omit<LayeredMap<Wanted>, 'set' | 'delete'> {
    return this.#held
  }

  get heldAmount(): Amount {
    return this.#heldAmount
  }

  get size(): number {
    return this.#open.size + this.#held.size
  }

  get(path: RelativePath): Wanted | undefined {
    return this.#open.get(path) ?? this.#held.get(path)
  }

  has(path: RelativePath): boolean {
    return this.get(path) !== undefined
  }

  /** Some wish has one of these flags. */
  hasFlag(flags: number): boolean {
    return this.#open.hasFlag(flags) || this.#held.hasFlag(flags)
  }

  /** How many wishes have this flag. */
  countOf(flag: number): number {
    return this.#open.countOf(flag) + this.#held.countOf(flag)
  }

  /** False when no path lies below this one; true when one may. */
  mayHoldBelow(path: RelativePath): boolean {
    return this.#open.mayHoldBelow(path) || this.#held.mayHoldBelow(path)
  }

  /** What stays on its side keeps its place: wishes are set while somebody goes through them. */
  set(path: RelativePath, wish: Wanted): this {
    if (!wish.isHeldBack) {
      this.#release(path)
      this.#open.set(path, wish)
      return this
    }
    this.#open.delete(path)
    this.#uncount(path)
    this.#ownHeld().set(path, wish)
    this.#heldAmount = add(this.#heldAmount, amountOf([wish.entry]))
    return this
  }

  delete(path: RelativePath): boolean {
    return this.#release(path) || this.#open.delete(path)
  }

  *entries(): Generator<[RelativePath, Wanted], undefined> {
    yield* this.#open
    yield* this.#held
  }

  *keys(): Generator<RelativePath, undefined> {
    yield* this.#open.keys()
    yield* this.#held.keys()
  }

  *values(): Generator<Wanted, undefined> {
    yield* this.#open.values()
    yield* this.#held.values()
  }

  [Symbol.iterator](): Generator<[RelativePath, Wanted], undefined> {
    return this.entries()
  }

  forEach(visit: (wish: Wanted, path: RelativePath, map: ReadonlyMap<RelativePath, Wanted>) => void): void {
    for (const [path, wish] of this) visit(wish, path, this)
  }

  /** False when it is not held back. */
  #release(path: RelativePath): boolean {
    this.#uncount(path)
    return this.#held.has(path) && this.#ownHeld().delete(path)
  }

  #uncount(path: RelativePath): void {
    const before = this.#held.get(path)
    if (before) this.#heldAmount = subtract(this.#heldAmount, amountOf([before.entry]))
  }

  #ownHeld(): LayeredMap<Wanted> {
    if (this.#isHeldShared) this.#held = this.#held.copy()
    this.#isHeldShared = false
    return this.#held
  }
}
