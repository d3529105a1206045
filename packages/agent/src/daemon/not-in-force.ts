import { joinPath } from '@spansync/common/config/issues'
import type { PolicyConfig } from '@spansync/common/config/policy-schema'
import type { Config } from '@spansync/common/config/schema'
import type { Problem } from '@spansync/common/protocol/status'

// A setting that is taken and does nothing would be a promise broken in silence.

type Said = readonly [path: readonly string[], policy: PolicyConfig | undefined]

/** Settings that this version checks and does not carry out yet, as one problem; none when there are none. */
export function notInForce(config: Config): Problem[] {
  const keys = saidOfLinks(config).flatMap(([path, policy]) =>
    policy ? idleOnLinks(policy).map((key) => joinPath([...path, key])) : [],
  )
  if (keys.length === 0) return []
  const message = `not carried out by this version: ${keys.join(', ')}`
  return [{ code: 'policy_not_in_force', message, remedy: 'remove them, or do not rely on them yet' }]
}

/** What counts for the replica as a whole only. */
function idleOnLinks({ settings }: PolicyConfig): string[] {
  return settings.settleMs === undefined ? [] : ['settle']
}

function saidOfLinks({ folders, peers }: Config): Said[] {
  const inFolders = Object.entries(folders).flatMap(([id, { policy }]) =>
    Object.entries(policy?.peers ?? {}).map(([peer, said]): Said => [['folders', id, 'policy', 'peers', peer], said]),
  )
  const links = Object.entries(peers).map(([peer, { policy }]): Said => [['peers', peer, 'policy'], policy])
  return [...inFolders, ...links]
}
