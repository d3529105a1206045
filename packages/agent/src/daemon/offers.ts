import type { FolderOffer } from '../control/api.ts'
import type { Offer } from '../joining/protocol.ts'
import type { Network } from './network.ts'

/** The folders that are shared with every peer, so also with one that has just joined. */
export function offersOf({ config, hosts }: Network): Offer[] {
  return [...hosts].flatMap(([id, { engine }]) => {
    if (config.folders[id]?.with !== undefined) return []
    const { files, bytes } = engine?.index.totals() ?? { files: 0, bytes: 0 }
    return [{ id, files, bytes }]
  })
}

/** What peers that are connected now share with this node, whether it holds it or not. */
export function offeredHere(network: Network): FolderOffer[] {
  return [...network.offered].flatMap(([peer, folders]) => {
    const node = network.nameOf(peer)
    return node === undefined ? [] : [...folders].map((folder) => ({ node, folder, isHeld: network.hosts.has(folder) }))
  })
}
