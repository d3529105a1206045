import { formatCount, plural, printable } from '@spansync/common/cli/format'
import { conflictOrigin, isConflictCopy } from '@spansync/common/core/causal/conflict-name'
import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Change } from './tracker.ts'

/** What a person would call one change: a directory with all that is in it, a rename with both of its names. */
export interface Item {
  readonly text: string
  readonly changes: readonly Change[]
}

interface Unit {
  readonly verb: 'new' | 'edited' | 'deleted' | 'renamed' | 'executable' | 'not executable'
  readonly path: string
  /** The new name. */
  readonly to?: string
  readonly isDirectory: boolean
  readonly changes: Change[]
}

/** More than this at once become one line. */
const mostLines = 6

/** Names what one replica did in one go. */
export function itemsOf(all: readonly Change[]): Item[] {
  const changes = all.filter(
    ({ superseded, before, now }) => !superseded && (before !== undefined || now !== undefined),
  )
  const units = folded(unitsOf(changes))
  if (units.length > mostLines) return [{ text: summary(units), changes }]
  return units.map((unit) => ({ text: describe(unit), changes: unit.changes }))
}

/** A deletion and a creation of one inode with one content are a rename. */
function unitsOf(changes: readonly Change[]): Unit[] {
  const created = new Map(
    changes.filter(({ before }) => before === undefined).map((change) => [identity(change), change]),
  )
  const renames = new Map(
    changes.flatMap((gone) => {
      const come = gone.now === undefined ? created.get(identity(gone)) : undefined
      return come === undefined ? [] : [[gone, come] as const]
    }),
  )
  const targets = new Set(renames.values())
  return changes
    .filter((change) => !targets.has(change))
    .map((change) => {
      const to = renames.get(change)
      const isDirectory = (change.now ?? change.before)?.kind === 'dir'
      if (to === undefined) return { verb: verbOf(change), path: change.path, isDirectory, changes: [change] }
      return { verb: 'renamed', path: change.path, to: to.path, isDirectory, changes: [change, to] }
    })
}

function identity({ before, now }: Change): string {
  const seen = now ?? before
  return [seen?.kind, seen?.inode, seen?.content].join()
}

function verbOf({ before, now }: Change): Unit['verb'] {
  if (now === undefined) return 'deleted'
  if (before === undefined) return 'new'
  if (before.kind !== now.kind || before.content !== now.content) return 'edited'
  return now.executable ? 'executable' : 'not executable'
}

/** What happened to a directory as a whole stands for what happened below it. */
function folded(units: readonly Unit[]): Unit[] {
  const sorted = units.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const directories = new Map<string, Unit>()
  return sorted.filter((unit) => {
    const above = parents(unit.path).find((parent) => {
      const directory = directories.get(parent)
      return directory?.verb === unit.verb && unit.to === moved(unit.path, parent, directory.to)
    })
    if (above !== undefined) directories.get(above)?.changes.push(...unit.changes)
    else if (unit.isDirectory) directories.set(unit.path, unit)
    return above === undefined
  })
}

function moved(path: string, parent: string, to: string | undefined): string | undefined {
  return to === undefined ? undefined : to + path.slice(parent.length)
}

function parents(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function describe(unit: Unit): string {
  const name = nameOf(unit.path, unit.isDirectory) + contents(unit)
  if (unit.verb === 'renamed') return `${name} renamed to ${nameOf(unit.to ?? '', unit.isDirectory)}`
  if (unit.verb === 'deleted' || unit.verb === 'edited') return `${name} ${unit.verb}`
  if (unit.verb === 'executable') return `${name} made executable`
  if (unit.verb === 'not executable') return `${name} no longer executable`
  const path = textOf(unit.path) as RelativePath
  return isConflictCopy(path) ? `${name}, conflict copy of ${printable(conflictOrigin(path).original)}` : name
}

function contents({ isDirectory, verb, changes }: Unit): string {
  if (!isDirectory) return ''
  const inside = changes.filter(({ before, now }) => (now ?? before)?.kind !== 'dir')
  // Both ends of a rename are among its changes.
  const count = verb === 'renamed' ? inside.length / 2 : inside.length
  return count === 0 ? '' : ` with ${plural(count, 'file')}`
}

function summary(units: readonly Unit[]): string {
  const counts = Map.groupBy(units, ({ verb }) => verb)
  const parts = [...counts].map(([verb, { length }]) => `${formatCount(length)} ${verb}`)
  const directories = new Set(units.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)))
  const [directory = ''] = directories
  const where = directories.size === 1 && directory !== '' ? ` in ${nameOf(directory.slice(0, -1), true)}` : ''
  return `${parts.join(', ')}${where}`
}

function nameOf(path: string, isDirectory: boolean): string {
  return printable(textOf(path)) + (isDirectory ? '/' : '')
}

function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}
