/** A heap of nodes by their key, smallest first, in which a key can fall. Four children per node: half as many levels as with two,
 *  and the children lie in one cache line. Each node goes in at most once. */
export class NodeHeap {
  readonly #keys: Float64Array
  readonly #nodes: Uint32Array
  /** Place of a node in the heap, -1 before it has gone in. */
  readonly #places: Int32Array
  #size = 0

  /** The caller writes a node's key, then calls `raise`. */
  constructor(keys: Float64Array) {
    this.#keys = keys
    this.#nodes = new Uint32Array(keys.length)
    this.#places = new Int32Array(keys.length).fill(-1)
  }

  /** Puts a node in, or moves it to where its smaller key belongs. */
  raise(node: number): void {
    const keys = this.#keys
    const nodes = this.#nodes
    const places = this.#places
    const key = keys[node] as number
    let place = places[node] as number
    if (place < 0) place = this.#size++
    while (place > 0) {
      const above = (place - 1) >> 2
      const other = nodes[above] as number
      if ((keys[other] as number) <= key) break
      nodes[place] = other
      places[other] = place
      place = above
    }
    nodes[place] = node
    places[node] = place
  }

  /** Takes the node with the smallest key out, or gives -1. */
  take(): number {
    if (this.#size === 0) return -1
    const nodes = this.#nodes
    const first = nodes[0] as number
    const last = nodes[--this.#size] as number
    if (this.#size > 0) this.#sink(last)
    return first
  }

  #sink(node: number): void {
    const keys = this.#keys
    const nodes = this.#nodes
    const places = this.#places
    const key = keys[node] as number
    const size = this.#size
    let place = 0
    for (let child = 1; child < size; child = place * 4 + 1) {
      let least = child
      const end = Math.min(child + 4, size)
      for (let other = child + 1; other < end; other++) {
        if ((keys[nodes[other] as number] as number) < (keys[nodes[least] as number] as number)) least = other
      }
      const below = nodes[least] as number
      if ((keys[below] as number) >= key) break
      nodes[place] = below
      places[below] = place
      place = least
    }
    nodes[place] = node
    places[node] = place
  }
}
