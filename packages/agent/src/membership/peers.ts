import type { ConfigEditor } from '@spansync/common/config/edit'
import type { NodeId } from '@spansync/common/core/causal/types'

export interface NewPeer {
  readonly id: NodeId
  readonly name: string
  readonly addresses: readonly string[]
}

/** A member becomes a peer under its name, or one like it that is free. One that is a peer already keeps its name and whatever a
 *  person has set; addresses are added where there are none. Answers the name. */
export function putPeer(editor: ConfigEditor, { id, name, addresses }: NewPeer): string {
  const { peers } = editor.config
  const [known, before] = Object.entries(peers).find(([, peer]) => peer.id === id) ?? []
  if (known !== undefined) {
    if (before?.addresses.length === 0 && addresses.length > 0) editor.set(['peers', known, 'addresses'], addresses)
    return known
  }
  const free = freeName(name, new Set([editor.config.name, ...Object.keys(peers)]))
  editor.set(['peers', free], { id, addresses })
  return free
}

/** Also from the folders that name it; answers which these are. */
export function forgetPeer(editor: ConfigEditor, name: string): string[] {
  editor.remove(['peers', name])
  const named = Object.entries(editor.config.folders).filter(([, folder]) => folder.with?.includes(name))
  for (const [id, folder] of named) {
    // An empty list means nobody; no list would mean everybody.
    const others = folder.with?.filter((other) => other !== name)
    editor.set(['folders', id, 'with'], others)
  }
  return named.map(([id]) => id)
}

/** What this machine calls it. */
export function nameOfPeer({ config }: ConfigEditor, id: NodeId): string | undefined {
  return Object.entries(config.peers).find(([, peer]) => peer.id === id)?.[0]
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name.slice(0, 58)}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}
