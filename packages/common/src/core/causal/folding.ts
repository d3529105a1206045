import { ancestors } from './paths.ts'
import type { RelativePath } from './types.ts'

/** Which names a file system takes for one and the same. */
export interface Folding {
  /** That differ only in upper and lower case. */
  readonly ignoresCase: boolean
  /** That differ only in Unicode's normal form, such as é in one or in two characters. */
  readonly ignoresForm: boolean
}

/** Equal for names that the file system takes for the same. Case is folded as far as Unicode's full mappings tell (ß and SS are the
 *  same): where a file system tells more names apart than this, one too many waits for a person; the other way round a file would be
 *  overwritten. */
export function foldName(name: string, { ignoresCase, ignoresForm }: Folding): string {
  const formed = ignoresForm ? name.normalize('NFD') : name
  const folded = ignoresCase ? formed.toUpperCase().toLowerCase() : formed
  return ignoresForm ? folded.normalize('NFD') : folded
}

/** Paths in use, to find one that differs from another only in ways that the file system ignores, be it in a directory above. */
export class NamesInUse {
  readonly #folding: Folding
  readonly #spelling = new Map<string, RelativePath>()

  constructor(folding: Folding) {
    this.#folding = folding
  }

  add(path: RelativePath): void {
    this.#spelling.set(foldName(path, this.#folding), path)
  }

  addWithParents(path: RelativePath): void {
    for (const one of [path, ...ancestors(path)]) this.add(one)
  }

  delete(path: RelativePath): void {
    const folded = foldName(path, this.#folding)
    if (this.#spelling.get(folded) === path) this.#spelling.delete(folded)
  }

  /** What is in the way of this path: the topmost one in use that has another spelling. */
  twinOf(path: RelativePath): RelativePath | undefined {
    for (const one of [...ancestors(path).reverse(), path]) {
      const known = this.#spelling.get(foldName(one, this.#folding))
      if (known !== undefined && known !== one) return known
    }
    return undefined
  }
}
