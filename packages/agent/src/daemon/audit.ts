import type { AuditRequest, AuditResult, FolderAudit } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import { hostsOf } from './hosts.ts'
import type { Network } from './network.ts'

/** Reads every file anew, and compares what the index says with what the peers that are there hold. One folder after the other: each
 *  keeps the disk busy by itself. */
export async function audit(network: Network, request: AuditRequest, signal: AbortSignal): Promise<AuditResult> {
  const { clock } = network.options
  const begun = clock.now()
  const folders: FolderAudit[] = []
  for (const host of hostsOf(network, request.folder)) folders.push(await auditOne(network, host, request.fix, signal))
  return { folders, elapsedMs: clock.now() - begun }
}

async function auditOne(network: Network, host: FolderHost, heal: boolean, signal: AbortSignal): Promise<FolderAudit> {
  const { engine, options, stopped } = host
  const id = options.folder
  const nothing = { id, files: 0, bytes: 0, damaged: [], peers: [] }
  if (!engine) return { ...nothing, ...(stopped === undefined ? {} : { error: stopped }) }
  // First the peers: what is found on the disk and fetched again would keep this replica busy.
  const peers: FolderAudit['peers'] = []
  for (const link of host.links.values()) {
    const { state, paths } = await engine.comparer.compare(link, { heal, signal })
    peers.push({ node: network.nameOf(link.peer) ?? link.peer.slice(0, 8), state, paths: [...paths] })
  }
  const { files, bytes, damaged } = await engine.audit({ heal, signal })
  return { id, files, bytes, damaged: [...damaged], peers }
}
