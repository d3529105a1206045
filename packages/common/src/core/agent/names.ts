import { NamesInUse } from '../causal/folding.ts'
import type { RelativePath } from '../causal/types.ts'
import { type Draft, wantedOf } from './draft.ts'
import type { Wanted } from './state.ts'

// A file system that ignores case, or Unicode's normal form, cannot hold two names that differ in nothing else. The first one that is here
// stays; the other one waits, and a person is told.

/** What this replica is making right now, so that it does not make two of the same name at once; undefined where names are told apart. */
export function namesInTheMaking({ state, claims }: Draft): NamesInUse | undefined {
  if (!state.folding) return undefined
  const names = new NamesInUse(state.folding)
  for (const [path, { stage }] of claims) if (stage !== 'quarantine') names.addWithParents(path)
  return names
}

/** Wishes that cannot be beside what came to be here in this step, and those whose twin has gone in it. */
export function reviewTwins(draft: Draft): void {
  const { folding } = draft.state
  if (!folding || draft.rows.size === 0) return
  const alive = new NamesInUse(folding)
  const gone = new Set<RelativePath>()
  for (const [path, row] of draft.rows) {
    if (row.deleted) gone.add(path)
    else alive.add(path)
  }
  for (const [id, peer] of draft.peers) {
    for (const [path, wish] of peer.wanted) {
      const twin = twinNow(wish, alive, gone)
      if (twin !== wish.twin) wantedOf(draft, id).set(path, { ...wish, twin, notBefore: 0 })
    }
  }
}

function twinNow(wish: Wanted, alive: NamesInUse, gone: ReadonlySet<RelativePath>): RelativePath | undefined {
  const before = wish.twin !== undefined && gone.has(wish.twin) ? undefined : wish.twin
  return before ?? twinFor(wish, (path) => alive.twinOf(path))
}

/** What is here under its own name, and what is to go, is in nobody's way. */
export function twinFor(
  { entry, local }: Pick<Wanted, 'entry' | 'local'>,
  twinOf: (path: RelativePath) => RelativePath | undefined,
): RelativePath | undefined {
  return entry.deleted || (local && !local.deleted) ? undefined : twinOf(entry.path)
}
