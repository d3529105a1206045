import type { Check } from '../control/api.ts'
import type { FolderHost } from '../folder/folder-host.ts'
import type { Network } from './network.ts'

/** What only the running agent knows. */
export function diagnose(network: Network): Check[] {
  return [...network.hosts.values()].flatMap((host) => [folderCheck(host), ...disagreements(network, host)])
}

function folderCheck(host: FolderHost): Check {
  const { problem, options, engine } = host
  const id = `folder.${options.folder}`
  const title = `folder ${options.folder}`
  if (problem) return { id, result: 'fail', title, detail: problem.message, remedy: problem.remedy }
  const paths = engine?.problems.total ?? 0
  const detail = `${paths} paths cannot be synchronised`
  if (paths > 0) return { id, result: 'warn', title, detail, remedy: 'see `spansync status` for what is in the way' }
  return { id, result: 'ok', title }
}

/** Failed entries or damage: both have heard of the same, and do not hold the same. */
function disagreements(network: Network, { engine, options }: FolderHost): Check[] {
  const peers = [...(engine?.state.peers ?? [])].filter(([, { disagreement }]) => disagreement !== undefined)
  return peers.map(([peer]) => {
    const node = network.nameOf(peer) ?? peer.slice(0, 8)
    const title = `folder ${options.folder} and ${node}`
    const detail = 'both know of the same changes and do not hold the same'
    const remedy = `spansync audit ${options.folder} --fix, here and on ${node}`
    return { id: `disagreement.${options.folder}.${node}`, result: 'fail', title, detail, remedy }
  })
}
