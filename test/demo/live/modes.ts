import type { Status } from '@spansync/common/protocol/status'

/** Whom an agent follows, in words. */
export function modeText({ mode, coordinator }: Pick<Status, 'mode' | 'coordinator'>): string {
  const { configured, effective } = mode
  if (configured !== 'auto') return `set to ${configured} on this machine`
  if (!coordinator.connected) return 'no coordinator: direct sync'
  return effective === 'centralised'
    ? 'the coordinator is there: sync by its orders'
    : 'the coordinator says decentralised: direct sync'
}

export interface ModeChange {
  readonly text: string
  readonly nodes: readonly string[]
}

/** What has changed between two looks at all agents, those with the same text together. */
export function modeChanges(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): ModeChange[] {
  const changed = [...now].filter(([node, text]) => before.has(node) && before.get(node) !== text)
  const groups = Map.groupBy(changed, ([, text]) => text)
  return [...groups].map(([text, members]) => ({ text, nodes: members.map(([node]) => node) }))
}
