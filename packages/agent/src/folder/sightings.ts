import type { RelativePath, VersionVector } from '@spansync/common/core/causal/types'

export interface Asked {
  readonly number: number
  /** Of the index at that moment. */
  readonly vector: VersionVector | undefined
}

/** Looks at the disk run side by side, and one that asks several times tells late what it saw early. What another one has seen of the
 *  same path after that is newer, whichever of them tells first: an old sight told last would stand for good, for nobody is going to
 *  hint at the path again. The disk answers questions in their order. */
export class Sightings {
  readonly #looks = new Set<Sighting>()
  #asked = 0

  begin(): Sighting {
    const look = new Sighting(() => this.#looks.delete(look))
    this.#looks.add(look)
    return look
  }

  /** Of the next question. */
  number(): number {
    return ++this.#asked
  }

  /** What has been asked before of these paths is out of date. */
  answered(paths: Iterable<RelativePath>, number: number): void {
    const looks = [...this.#looks].filter((look) => look.untold.size > 0)
    if (looks.length === 0) return
    for (const path of paths) {
      for (const { untold } of looks) if ((untold.get(path)?.number ?? number) < number) untold.delete(path)
    }
  }
}

/** One look: which paths it has asked the disk about and not told yet. */
export class Sighting implements Disposable {
  readonly untold = new Map<RelativePath, Asked>()
  readonly #end: () => void

  constructor(end: () => void) {
    this.#end = end
  }

  /** Asked once; undefined: something newer has been seen. */
  take(path: RelativePath, number?: number): Asked | undefined {
    const asked = this.untold.get(path)
    if (asked === undefined || (number !== undefined && asked.number !== number)) return undefined
    this.untold.delete(path)
    return asked
  }

  [Symbol.dispose](): void {
    this.#end()
  }
}
