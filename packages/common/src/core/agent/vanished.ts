import type { RelativePath } from '../causal/types.ts'
import type { Deletions, Vanished } from './deletion-state.ts'
import type { Draft } from './draft.ts'
import type { LayeredMap } from './layered-map.ts'

export function setDeletions(draft: Draft, change: Partial<Deletions>): void {
  draft.deletions = { ...draft.deletions, ...change }
}

/** What has vanished, copied on the first change of this step. */
export function vanishedOf(draft: Draft): LayeredMap<Vanished> {
  if (!draft.ownVanished) {
    setDeletions(draft, { vanished: draft.deletions.vanished.copy() })
    draft.ownVanished = true
  }
  return draft.deletions.vanished
}

/** It is there again, or has been told. */
export function forgetVanished(draft: Draft, path: RelativePath): void {
  if (draft.deletions.vanished.has(path)) vanishedOf(draft).delete(path)
}
