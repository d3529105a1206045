import type { RelativePath } from '../causal/types.ts'

const gone = Symbol('gone')

/** A map of paths that is cheap to copy, in the order of a Map. In a large folder it holds ten thousand paths and each event
 *  changes a few: copying a Map of that size on every event was most of what the core cost.
 *  A copy shares the large lower layer, which never changes, and copies only what has changed since it was made.
 *  It also counts its values by flags, so that an event need not search all of them for something that none has. */
export class LayeredMap<V> implements ReadonlyMap<RelativePath, V> {
  readonly #flagsOf: (value: V) => number
  readonly #base: ReadonlyMap<RelativePath, V>
  /** What has become of values of the lower layer, in their place. */
  readonly #changed: Map<RelativePath, V | typeof gone>
  /** What has come after them. */
  readonly #added: Map<RelativePath, V>
  /** Directories that have had a path below them; never shrinks while copies are made, so it may name too many. */
  readonly #parents: Set<RelativePath>
  readonly #counts: number[]
  #size: number

  /** `flagsOf`: a bit set, a function of the value alone. */
  constructor(flagsOf: (value: V) => number, from?: LayeredMap<V>) {
    this.#flagsOf = flagsOf
    const flat = !from || from.#size === 0 || from.#changed.size + from.#added.size > 64 + from.#base.size / 16
    this.#base = flat ? new Map(from) : from.#base
    this.#changed = new Map(flat ? undefined : from.#changed)
    this.#added = new Map(flat ? undefined : from.#added)
    this.#parents = from && from.#size > 0 ? from.#parents : new Set()
    this.#counts = from ? [...from.#counts] : []
    this.#size = from ? from.#size : 0
  }

  copy(): LayeredMap<V> {
    return new LayeredMap(this.#flagsOf, this)
  }

  get size(): number {
    return this.#size
  }

  get(path: RelativePath): V | undefined {
    const added = this.#added.get(path)
    if (added !== undefined) return added
    const changed = this.#changed.get(path)
    if (changed === undefined) return this.#base.get(path)
    return changed === gone ? undefined : changed
  }

  has(path: RelativePath): boolean {
    return this.get(path) !== undefined
  }

  /** Some value has one of these flags. */
  hasFlag(flags: number): boolean {
    return this.#counts.some((count, bit) => count > 0 && (flags & (1 << bit)) !== 0)
  }

  /** How many values have this flag. */
  countOf(flag: number): number {
    return this.#counts[31 - Math.clz32(flag)] ?? 0
  }

  /** False when no path lies below this one; true when one may. */
  mayHoldBelow(path: RelativePath): boolean {
    return this.#parents.has(path)
  }

  set(path: RelativePath, value: V): this {
    const before = this.get(path)
    if (before === undefined) {
      this.#size++
      this.#noteParents(path)
    } else {
      this.#count(before, -1)
    }
    this.#count(value, 1)
    if (this.#isInBase(path)) this.#changed.set(path, value)
    else this.#added.set(path, value)
    return this
  }

  delete(path: RelativePath): boolean {
    const before = this.get(path)
    if (before === undefined) return false
    this.#size--
    this.#count(before, -1)
    if (!this.#added.delete(path)) this.#changed.set(path, gone)
    return true
  }

  *entries(): Generator<[RelativePath, V], undefined> {
    for (const [path, value] of this.#base) {
      const changed = this.#changed.get(path)
      if (changed !== gone) yield [path, changed === undefined ? value : changed]
    }
    yield* this.#added
  }

  *keys(): Generator<RelativePath, undefined> {
    for (const [path] of this.entries()) yield path
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): Generator<[RelativePath, V], undefined> {
    return this.entries()
  }

  forEach(visit: (value: V, path: RelativePath, map: ReadonlyMap<RelativePath, V>) => void): void {
    for (const [path, value] of this) visit(value, path, this)
  }

  /** A path that was deleted and comes again goes to the end, as in a Map. */
  #isInBase(path: RelativePath): boolean {
    return !this.#added.has(path) && this.#changed.get(path) !== gone && this.#base.has(path)
  }

  #count(value: V, by: 1 | -1): void {
    const flags = this.#flagsOf(value)
    for (let bit = 0; flags >> bit > 0; bit++) {
      if ((flags & (1 << bit)) !== 0) this.#counts[bit] = (this.#counts[bit] ?? 0) + by
    }
  }

  #noteParents(path: RelativePath): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end)
      if (this.#parents.has(parent)) return
      this.#parents.add(parent)
    }
  }
}
