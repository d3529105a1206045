import { writeAddresses } from '@spansync/common/config/addresses'
import type { ConfigEditor } from '@spansync/common/config/edit'
import type { Config } from '@spansync/common/config/schema'
import { freeName } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'

export interface NewPeer {
  readonly id: NodeId
  readonly name: string
  readonly addresses: readonly string[]
}

/** Members become peers under their names, or names like them that are free. One that is a peer already keeps its name and whatever a
 *  person has set; its addresses are put in front when they have just been `tried`. Answers the names. */
export function putPeers(editor: ConfigEditor, members: readonly NewPeer[], { tried = false } = {}): string[] {
  const { peers } = editor.config
  const taken = new Set([editor.config.name, ...Object.keys(peers)])
  return members.map(({ id, name, addresses }) => {
    const known = nameOfPeer(editor.config, id)
    if (known === undefined) {
      const free = freeName(name, taken)
      taken.add(free)
      editor.set(['peers', free], { id, addresses })
      return free
    }
    const before = peers[known]?.addresses ?? []
    const isWorthIt = (tried || before.length === 0) && addresses.length > 0
    if (isWorthIt) writeAddresses(editor, known, [...new Set([...addresses, ...before])])
    return known
  })
}

/** The peer has a new key: everything that is set of it stays. `addresses` are put in front. */
export function replacePeerId(
  editor: ConfigEditor,
  name: string,
  { id, addresses = [] }: { readonly id: NodeId; readonly addresses?: readonly string[] },
): void {
  editor.set(['peers', name, 'id'], id)
  const before = editor.config.peers[name]?.addresses ?? []
  if (addresses.length > 0) writeAddresses(editor, name, [...new Set([...addresses, ...before])])
}

/** With all that is said of it elsewhere; answers the folders that named it. */
export function forgetPeer(editor: ConfigEditor, name: string): string[] {
  editor.remove(['peers', name])
  editor.remove(['policy', 'nodes', name])
  const { folders } = editor.config
  for (const id of Object.keys(folders)) {
    editor.remove(['folders', id, 'policy', 'nodes', name])
    editor.remove(['folders', id, 'policy', 'peers', name])
  }
  const named = Object.entries(folders).filter(([, folder]) => folder.with?.includes(name))
  for (const [id, folder] of named) {
    // An empty list means nobody; no list would mean everybody.
    const others = folder.with?.filter((other) => other !== name)
    editor.set(['folders', id, 'with'], others)
  }
  return named.map(([id]) => id)
}

/** What this machine calls it. */
export function nameOfPeer({ peers }: Pick<Config, 'peers'>, id: NodeId): string | undefined {
  return Object.entries(peers).find(([, peer]) => peer.id === id)?.[0]
}
