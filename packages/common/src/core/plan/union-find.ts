/** Disjoint sets of 0..count-1, by size and path halving (Tarjan & van Leeuwen 1984). */
export class UnionFind {
  readonly #parent: Int32Array

  /** A root holds minus the size of its set. */
  constructor(count: number) {
    this.#parent = new Int32Array(count).fill(-1)
  }

  find(item: number): number {
    const parent = this.#parent
    let at = item
    for (let up = parent[at] as number; up >= 0; up = parent[at] as number) {
      const above = parent[up] as number
      if (above < 0) return up
      parent[at] = above
      at = above
    }
    return at
  }

  /** False when they were in one set already. */
  union(left: number, right: number): boolean {
    let large = this.find(left)
    let small = this.find(right)
    if (large === small) return false
    if ((this.#parent[large] as number) > (this.#parent[small] as number)) [large, small] = [small, large]
    ;(this.#parent[large] as number) += this.#parent[small] as number
    this.#parent[small] = large
    return true
  }
}
