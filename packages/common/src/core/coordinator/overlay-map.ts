const gone = Symbol('gone')

/** A map that is cheap to copy: the copy shares the large lower layer, which never changes, and copies only what has changed since that
 *  was made. With a thousand nodes, copying all of them for each message was most of what the coordinator did. Keys come in no
 *  particular order. */
export class OverlayMap<K, V extends object> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>
  readonly #changed: Map<K, V | typeof gone>
  #size: number

  constructor(from: ReadonlyMap<K, V> = new Map()) {
    const isLight = from instanceof OverlayMap && !from.#isHeavy
    this.#base = isLight ? from.#base : new Map(from)
    this.#changed = new Map(isLight ? from.#changed : undefined)
    this.#size = from.size
  }

  /** Copying it costs more than making a new lower layer now and then: both together cost least at about this size. */
  get #isHeavy(): boolean {
    return this.#changed.size > 16 + Math.sqrt(2 * this.#base.size)
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    const changed = this.#changed.get(key)
    if (changed === undefined) return this.#base.get(key)
    return changed === gone ? undefined : changed
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  set(key: K, value: V): this {
    if (!this.has(key)) this.#size++
    this.#changed.set(key, value)
    return this
  }

  delete(key: K): boolean {
    if (!this.has(key)) return false
    this.#size--
    this.#changed.set(key, gone)
    return true
  }

  *entries(): Generator<[K, V], undefined> {
    for (const entry of this.#base) if (!this.#changed.has(entry[0])) yield entry
    for (const [key, value] of this.#changed) if (value !== gone) yield [key, value]
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries()
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this)
  }
}
