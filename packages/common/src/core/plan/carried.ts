/** The forest of the last graph as links of the new one, after a change of one pair. */
export interface Carried {
  readonly links: readonly number[]
  readonly ends: readonly [number, number]
  /** The ends were in one tree. */
  readonly wereJoined: boolean
  /** A link of the forest joined the changed pair. */
  readonly isCut: boolean
  /** Where the pair's links are now. */
  readonly range: { readonly start: number; readonly end: number }
}
