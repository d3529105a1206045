import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import { orGone } from './gone.ts'
import { markerDirectory } from './marker.ts'

/** Where files gather before they are put in place: inside the root, so that putting them there is a link or a rename, and nobody
 *  watches or synchronises it. Removed when the folder is opened. */
export const stagingDirectory = (root: string): string => join(root, markerDirectory, 'ahead')

const runs = (root: string): string => join(root, markerDirectory, 'staging')

/** The root that Unison works in when it brings something of the peer's in place of something here. It outlives the agent: Unison
 *  goes on with unfinished files. */
export const stagingRoot = (root: string, peer: string): string => join(runs(root), peer)

export interface StagingRoot {
  readonly peer: NodeId
  /** Absolute. */
  readonly root: string
}

/** Those of all peers. */
export async function stagingRoots(root: string): Promise<StagingRoot[]> {
  const peers = (await readdir(runs(root)).catch(orGone([]))) as NodeId[]
  return peers.map((peer) => ({ peer, root: stagingRoot(root, peer) }))
}
