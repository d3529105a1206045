import { addText, emptyDigest, hashText } from './digest.ts'
import type { Digest, Entry, RelativePath } from './types.ts'

/** Hash tree over all live entries (Merkle 1987, with sums in place of hashes of hashes, so that it can be made in any order). A path
 *  belongs to the leaf that the first digits of its hash name. Unlike the digest of an index it is about contents: it finds damage that
 *  versions do not show. */
export class ContentTree {
  readonly #leaves = new Map<string, Digest>()

  add({ path, kind, deleted, mode, hash }: Entry): void {
    if (deleted) return
    const leaf = leafOf(path)
    const text = `${path}\0${kind}\0${mode}\0${hash}`
    this.#leaves.set(leaf, addText(this.#leaves.get(leaf) ?? emptyDigest, text))
  }

  /** Of the sixteen children of an inner node: what lies below each. */
  sums(prefix: string): Digest[] {
    const sums = digits.map(() => '')
    for (const leaf of [...this.#leaves.keys()].sort()) {
      if (leaf.startsWith(prefix))
        sums[Number.parseInt(leaf[prefix.length] as string, 16)] += `${leaf}${this.#leaves.get(leaf)}`
    }
    return sums.map((text) => (text === '' ? emptyDigest : addText(emptyDigest, text)))
  }
}

const digits = Array.from('0123456789abcdef')

/** 4096 leaves: of a hundred thousand entries some twenty-five lie in each. */
export const leafDigits = 3

export function leafOf(path: RelativePath): string {
  return hashText(path).toString(16).padStart(8, '0').slice(0, leafDigits)
}

/** The children in which two trees differ. */
export function differing(prefix: string, left: readonly Digest[], right: readonly Digest[]): string[] {
  return digits.filter((_, at) => left[at] !== right[at]).map((digit) => prefix + digit)
}
