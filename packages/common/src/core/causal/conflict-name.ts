import type { Entry, RelativePath } from './types.ts'

/** Where the losing version of a conflict is kept: `name (conflict YYYY-MM-DD node).ext`. A function of the loser alone, so that
 *  two nodes that settle the same conflict apart from each other choose the same name and the same content. The date is that
 *  of the losing version (UTC), the node the one that wrote it. `attempt` > 0 adds the beginning of the hash, for a name that
 *  another version has taken already. */
export function conflictPath(loser: Entry, attempt: number): RelativePath {
  const slash = loser.path.lastIndexOf('/') + 1
  const name = loser.path.slice(slash)
  const dot = extensionAt(name)
  const stem = name.slice(0, dot)
  const extension = name.slice(dot)
  const suffix = attempt === 0 ? '' : ` ${loser.hash.slice(0, 4 * attempt)}${attempt > 4 ? `-${attempt}` : ''}`
  const label = ` (conflict ${dayOf(loser.mtimeUs)} ${writerOf(loser)}${suffix})`
  return loser.path.slice(0, slash) + shorten(stem, label, extension) + label + extension
}

/** What follows the last dot, if it is no longer than extensions are: the rest of the name must leave room for the label. */
function extensionAt(name: string): number {
  const dot = name.lastIndexOf('.')
  return dot > 0 && utf8Length(name.slice(dot)) <= extensionBytes ? dot : name.length
}

const nameBytes = 255
const extensionBytes = 64

/** Cuts the stem so that the whole name stays within what file systems allow (255 bytes of UTF-8). */
function shorten(stem: string, label: string, extension: string): string {
  const room = nameBytes - utf8Length(label) - utf8Length(extension)
  const units = Array.from(stem)
  while (units.length > 0 && utf8Length(units.join('')) > room) units.pop()
  return units.join('')
}

function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) as number
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/** Every conflict copy has this in its name. */
export const conflictMark = ' (conflict '

const conflictPattern = / \(conflict \d{4}-\d{2}-\d{2} [^)/]+\)(\.[^/]*)?$/

export function isConflictCopy(path: RelativePath): boolean {
  return conflictPattern.test(path)
}

function writerOf(entry: Entry): string {
  const replica = entry.dots[0]?.[0] ?? 'unknown'
  const dot = replica.lastIndexOf('.')
  return dot > 0 ? replica.slice(0, dot) : replica
}

/** Days since 1970 to a civil date (Hinnant, "chrono-compatible low-level date algorithms", 2013): the core has no Date. */
function dayOf(mtimeUs: number): string {
  const z = Math.floor(mtimeUs / 86_400_000_000) + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** What a conflict copy's name says: the file it is a copy of and the node that wrote it. */
export function conflictOrigin(path: RelativePath): { original: RelativePath; node: string } {
  const label = / \(conflict \d{4}-\d{2}-\d{2} ([^)/ ]+)[^)/]*\)(?=(\.[^/]*)?$)/.exec(path)
  if (!label) return { original: path, node: '' }
  return { original: path.slice(0, label.index) + path.slice(label.index + label[0].length), node: label[1] ?? '' }
}
