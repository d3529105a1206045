import type { ApproveResult, RevertResult } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'

/** The deletions that wait are meant. */
export function approve(host: FolderHost): ApproveResult {
  const engine = host.opened()
  const { here, peers } = engine.state.deletions.waiting
  engine.approve()
  return { here: here?.files ?? 0, peers: peers?.files ?? 0 }
}

/** They are not: everything stays, or comes back. */
export async function revert(host: FolderHost): Promise<RevertResult> {
  const engine = host.opened()
  const { peers } = engine.state.deletions.waiting
  const { files, missing, reason } = await engine.revert()
  return { kept: peers?.files ?? 0, back: files, missing, reason }
}
