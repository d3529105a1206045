import type { Effect, FolderEvent } from '../core/agent/events.ts'
import type { FolderState } from '../core/agent/state.ts'
import { step } from '../core/agent/step.ts'
import type { DiskState, Entry, RelativePath } from '../core/causal/types.ts'
import type { Step } from '../sim/types.ts'

type Loose = Readonly<Record<string, unknown>>

/** The real `step`, saying line by line what happens at one path: what comes in, what is decided, what is wished for and held. */
export function tracing(path: RelativePath, print: (line: string) => void): Step {
  return (state, event) => {
    const after = step(state, event)
    const lines = [
      ...eventLines(event, path),
      ...after.effects.flatMap((effect) => effectLines(effect, path)),
      ...stateLines(state, after.state, path),
    ]
    if (lines.length > 0) print([`${event.at} ${state.replica} ${event.kind}`, ...lines].join('\n    '))
    return after
  }
}

function eventLines(event: FolderEvent, path: RelativePath): string[] {
  if (!('items' in event)) return []
  return (event.items as unknown as readonly Loose[])
    .filter((item) => pathOf(item) === path)
    .map((item) => {
      const { peer = (event as unknown as Loose).peer, result, ran, remote, local, entry, disk } = item
      const told = remote === undefined ? `disk ${show(disk as DiskState)}` : `tells ${show(remote as Entry)}`
      return `${words(peer, result, ran === false && 'left out')} ${told}, row ${show(local as Entry)}, ${show(entry as Entry)}`
    })
}

function effectLines(effect: Effect, path: RelativePath): string[] {
  if (effect.kind === 'observe') return effect.paths.includes(path) ? ['> observe'] : []
  const rows = 'rows' in effect ? effect.rows : 'items' in effect ? effect.items : []
  return (rows as unknown as readonly Loose[])
    .filter((row) => pathOf(row) === path)
    .map((row) => {
      const { peer = (effect as unknown as Loose).peer, operations = [], entry = row } = row
      return `> ${words(effect.kind, peer, ...(operations as string[]))} ${show(entry as Entry)}`
    })
}

function stateLines(before: FolderState, after: FolderState, path: RelativePath): string[] {
  const [was, is] = [before.claims.get(path), after.claims.get(path)]
  const claim = was === is ? [] : [`claim: ${words(was?.stage, was?.peer)} -> ${words(is?.stage, is?.peer)}`]
  const wishes = [...after.peers].flatMap(([id, { wanted }]) => {
    const wish = wanted.get(path)
    if (wish === before.peers.get(id)?.wanted.get(path)) return []
    if (!wish) return [`wish of ${id}: gone`]
    const { need, keep, transit, attempts, entry } = wish
    return [`wish of ${id}: ${words(need, keep && 'keep', transit && 'transit', `${attempts} tries`)} ${show(entry)}`]
  })
  return [...claim, ...wishes]
}

function pathOf(item: Loose): unknown {
  return item.path ?? ((item.remote ?? item.entry) as Entry | undefined)?.path
}

function words(...parts: unknown[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(' ')
}

function show(content: Partial<Entry & DiskState> | undefined): string {
  if (content === undefined) return '-'
  const { kind, hash, mode = 0, mtimeUs, deleted, vector, dots = [], stat } = content
  const what = deleted ? 'deleted' : `${kind}:${hash}:${mode.toString(8)}@${mtimeUs}`
  const seen = vector
    ? ` <${Object.entries(vector)
        .map((one) => one.join('='))
        .join(' ')} | ${dots.map((dot) => dot.join(':')).join(' ')}>`
    : ''
  return what + seen + (stat ? ` inode ${stat.inode}` : '')
}
