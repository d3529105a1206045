import type { RelativePath } from '@spansync/common/core/causal/types'
import type { KeptVersion } from './list.ts'

/** Of each path the version that was there at a moment: the first that had to leave then or later. Edits made
 *  here in between are not kept, so it may be younger than the moment. A path of which nothing has left since then is as it was. */
export async function versionsCurrentAt(
  versions: AsyncIterable<KeptVersion>,
  atMs: number,
): Promise<Map<RelativePath, KeptVersion>> {
  const chosen = new Map<RelativePath, KeptVersion>()
  // They come from the newest to the oldest, so the last one that fits stays.
  for await (const version of versions) if (version.keptAtMs >= atMs) chosen.set(version.path, version)
  return chosen
}
