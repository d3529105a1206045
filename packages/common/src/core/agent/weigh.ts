import type { FolderIndex } from '../causal/folder-index.ts'
import type { RelativePath } from '../causal/types.ts'
import type { DeletionWeight } from './events.ts'

interface Surroundings {
  readonly going: ReadonlySet<RelativePath>
  readonly coming?: ReadonlyMap<string, number>
}

type Index = Pick<FolderIndex, 'getMany' | 'withHash'>

/** How many files would go, and of how many the content would be nowhere in the folder any more: a directory that was renamed is many
 *  deletions, and nothing is lost. As many are saved as there are other files with the same content that are not among all that is
 *  `going`, and as many as are `coming`. Asks the index once per content. */
export function weigh(index: Index, paths: ReadonlySet<RelativePath>, surroundings: Surroundings): DeletionWeight {
  for (const weighing = weighInTurns(index, paths, surroundings); ; ) {
    const { done, value } = weighing.next()
    if (done) return value
  }
}

/** The same, with a pause for whoever else has something to do after each few milliseconds of work. */
export function* weighInTurns(
  index: Index,
  paths: ReadonlySet<RelativePath>,
  { going: gone, coming = new Map() }: Surroundings,
): Generator<undefined, DeletionWeight, void> {
  const all = [...paths]
  const going = new Map<string, number>()
  let files = 0
  for (let from = 0; from < all.length; from += turn) {
    for (const row of index.getMany(all.slice(from, from + turn)).values()) {
      if (row.deleted || row.kind === 'dir') continue
      files++
      going.set(row.hash, (going.get(row.hash) ?? 0) + 1)
    }
    yield
  }
  let lost = 0
  let asked = 0
  for (const [hash, count] of going) {
    const alike = index.withHash(hash, 4 * count)
    const saved = alike.filter(({ path }) => !gone.has(path)).length + (coming.get(hash) ?? 0)
    lost += Math.max(0, count - saved)
    if (++asked % turn === 0) yield
  }
  return { files, lost }
}

const turn = 500
