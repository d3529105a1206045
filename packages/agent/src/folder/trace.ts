import type { Effect, FolderEvent } from '@spansync/common/core/agent/events'
import type { Content, Entry } from '@spansync/common/core/causal/types'
import type { Logger } from '@spansync/common/runtime/logger'

/** Writes down what the loop heard and what it decided, path by path, at log level `trace`: what is wrong with a replica can be told
 *  from it afterwards. */
export function traceStep(log: Logger, event: Omit<FolderEvent, 'at'>, effects: readonly Effect[]): void {
  if (!log.isLevelEnabled('trace')) return
  const decided = effects.flatMap((effect) => (quiet.has(effect.kind) ? [] : [textOf(effect)]))
  if (quiet.has(event.kind as FolderEvent['kind']) && decided.length === 0) return
  log.trace({ event: 'folder.step', heard: textOf(event as FolderEvent), decided })
}

/** Without a word on any path. */
const quiet = new Set<FolderEvent['kind'] | Effect['kind']>([
  'ticked',
  'wake',
  'entries_read',
  'read_entries',
  'summary_received',
  'send_summary',
  'members_received',
  'send_members',
  'keep_members',
  'tombstones_read',
  'read_tombstones',
])

function textOf(step: FolderEvent | Effect): string {
  const about = step as { peer?: string; id?: string; outcome?: string }
  const head = [step.kind, about.peer?.slice(0, 4), about.id, about.outcome].filter((part) => part !== undefined)
  const lists = [listOf(step, 'items'), listOf(step, 'extras'), listOf(step, 'rows'), listOf(step, 'paths')]
  return [...head, ...lists.flat().map(itemText)].join(' ')
}

function listOf(step: object, key: string): readonly unknown[] {
  const list = (step as Record<string, unknown>)[key]
  return Array.isArray(list) ? list : []
}

interface Item {
  readonly path?: string
  readonly hash?: string
  readonly entry?: Entry
  readonly remote?: Entry
  readonly local?: Entry
  readonly disk?: Content
  readonly result?: string
  readonly ran?: boolean
  readonly isTransferred?: boolean
  readonly operations?: readonly string[]
}

function itemText(item: unknown): string {
  if (typeof item === 'string') return `{${item}}`
  const { entry, remote, local, disk, result, ran, isTransferred, operations, ...own } = item as Item
  const target = entry ?? remote ?? (own.hash === undefined ? undefined : (own as unknown as Entry))
  const parts = [
    own.path ?? target?.path,
    target && `to ${entryText(target)}`,
    local && `had ${entryText(local)}`,
    'disk' in (item as object) ? `disk ${contentText(disk)}` : undefined,
    result,
    operations?.join('+'),
    ran === false ? 'left out' : undefined,
    isTransferred === true ? 'transferred' : undefined,
  ]
  return `{${parts.filter((part) => part !== undefined).join(', ')}}`
}

function entryText(entry: Entry): string {
  const content = entry.deleted ? 'nothing' : contentText(entry)
  return `${content} ${JSON.stringify(entry.vector)}`
}

function contentText(content: Content | undefined): string {
  if (content === undefined) return 'nothing'
  return `${content.kind} ${content.hash.slice(0, 8)} ${content.mode.toString(8)}`
}
