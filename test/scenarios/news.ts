import type { Place } from './place.ts'

/** Something that somebody has done at one place, and how it looks where it has come to. */
export interface News {
  readonly what: string
  readonly side: string
  /** As `performance.now`. */
  readonly at: number
  /** First seen there, by node. */
  readonly seenAt: ReadonlyMap<string, number>
}

interface Watched extends News {
  readonly seenAt: Map<string, number>
  readonly isAt: (place: Place) => boolean
}

const lookEveryMs = 10

/** Looks at all places all the time, and notes when each piece of news is first seen at each. So nothing that one piece says of a path
 *  may be undone before it is everywhere. */
export class NewsWatch implements Disposable {
  readonly #places: ReadonlyMap<string, Place>
  readonly #watched: Watched[] = []
  readonly #timer: NodeJS.Timeout

  constructor(places: ReadonlyMap<string, Place>) {
    this.#places = places
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  get all(): readonly News[] {
    return this.#watched
  }

  /** From now on; `isAt` says whether it has come to a place. */
  tell(what: string, side: string, isAt: (place: Place) => boolean): void {
    this.#watched.push({ what, side, at: performance.now(), seenAt: new Map(), isAt })
  }

  #look(): void {
    for (const { seenAt, isAt } of this.#watched) {
      if (seenAt.size === this.#places.size) continue
      for (const [node, place] of this.#places)
        if (!seenAt.has(node) && isAt(place)) seenAt.set(node, performance.now())
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
