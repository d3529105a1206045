import { joinPath } from '@spansync/common/config/issues'
import type { PolicyConfig } from '@spansync/common/config/policy-schema'
import type { Config } from '@spansync/common/config/schema'
import type { Problem } from '@spansync/common/protocol/status'

// A setting that is taken and does nothing would be a promise broken in silence.

type Said = readonly [path: readonly string[], policy: PolicyConfig | undefined]

/** Settings that this version checks and does not carry out yet, as one problem; none when there are none. */
export function notInForce(config: Config): Problem[] {
  const { wide, folders, links, folderLinks } = sayings(config)
  const keys = [
    ...keysOf(wide, idle),
    ...keysOf(folders, idle),
    ...keysOf([...folderLinks, ...links], (policy) => [...idle(policy), ...idleOnLinks(policy)]),
  ]
  if (keys.length === 0) return []
  const message = `not carried out by this version: ${keys.join(', ')}`
  return [{ code: 'policy_not_in_force', message, remedy: 'remove them, or do not rely on them yet' }]
}

function keysOf(said: readonly Said[], idleIn: (policy: PolicyConfig) => readonly string[]): string[] {
  return said.flatMap(([path, policy]) => (policy ? idleIn(policy).map((key) => joinPath([...path, key])) : []))
}

function idle({ filter }: PolicyConfig): string[] {
  return (['include', 'minSize', 'maxSize'] as const).filter((key) => filter[key] !== undefined)
}

/** What counts for the replica as a whole only. */
function idleOnLinks({ settings, filter }: PolicyConfig): string[] {
  return [...(filter.exclude === undefined ? [] : ['exclude']), ...(settings.settleMs === undefined ? [] : ['settle'])]
}

type Group = 'wide' | 'folders' | 'links' | 'folderLinks'

function sayings({ policy, folders, peers, name }: Config): Readonly<Record<Group, readonly Said[]>> {
  const inFolders = Object.entries(folders).map(([id, { policy: said }]) => ({ path: ['folders', id, 'policy'], said }))
  return {
    wide: [
      [['policy'], policy],
      [['policy', 'nodes', name], policy?.nodes?.[name]],
    ],
    folders: inFolders.flatMap(({ path, said }): Said[] => [
      [path, said],
      [[...path, 'nodes', name], said?.nodes?.[name]],
    ]),
    folderLinks: inFolders.flatMap(({ path, said }) =>
      Object.entries(said?.peers ?? {}).map(([peer, one]): Said => [[...path, 'peers', peer], one]),
    ),
    links: Object.entries(peers).map(([peer, { policy: said }]): Said => [['peers', peer, 'policy'], said]),
  }
}
