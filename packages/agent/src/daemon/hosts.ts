import type { FolderId } from '@spansync/common/core/causal/types'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { FolderHost } from '../folder/folder-host.ts'
import type { Network } from './network.ts'

/** Throws when there is no such folder. */
export function hostsOf(network: Network, folder: string | undefined): FolderHost[] {
  return folder === undefined ? [...network.hosts.values()] : [hostOf(network, folder)]
}

/** Throws when there is no such folder. */
export function hostOf(network: Network, folder: string): FolderHost {
  const host = network.hosts.get(folder as FolderId)
  if (host) return host
  const known = [...network.hosts.keys()].join(', ')
  throw new SpansyncError({
    code: 'unknown_folder',
    message: `there is no folder ${folder} on this machine`,
    remedy: known ? `the folders here are: ${known}` : 'add one with `spansync folder add ID PATH`',
    exitCode: 2,
  })
}
