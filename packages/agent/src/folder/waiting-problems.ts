import { formatCount, plural } from '@spansync/common/cli/format'
import type { Deletions, Waiting } from '@spansync/common/core/agent/deletion-state'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { Problem } from '@spansync/common/protocol/status'

/** What a folder asks a person. */
export function waitingProblems(folder: FolderId, { waiting }: Deletions): Problem[] {
  const { here, peers } = waiting
  return [...(here ? [madeHere(folder, here)] : []), ...(peers ? [toldByPeers(folder, peers)] : [])]
}

function madeHere(folder: FolderId, { files, total, cause }: Waiting): Problem {
  const approve = `\`spansync approve ${folder}\` deletes them everywhere, \`spansync revert ${folder}\` brings them back`
  if (cause === 'emptied') {
    return {
      code: 'root_emptied',
      message: `the folder was emptied: all ${formatCount(total)} files vanished at once; nothing was deleted anywhere else`,
      remedy: `mount the right disk or put the files back, and it goes on by itself; else ${approve}`,
      retryable: true,
    }
  }
  return {
    code: 'deletions_waiting',
    message: `${plural(files, 'file')} of ${formatCount(total)} vanished here at once; nothing was deleted anywhere else`,
    remedy: `put them back, and it goes on by itself; else ${approve}`,
    retryable: true,
  }
}

function toldByPeers(folder: FolderId, { files, total }: Waiting): Problem {
  return {
    code: 'peer_deletions_waiting',
    message: `peers have deleted ${plural(files, 'file')} of ${formatCount(total)} at once; nothing was deleted here`,
    remedy: `\`spansync approve ${folder}\` deletes them here too, \`spansync revert ${folder}\` keeps them everywhere`,
    retryable: true,
  }
}
