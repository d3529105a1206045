import { type Dot, type Entry, mostDots, type VersionVector } from './types.ts'
import { coversDot } from './version-vector.ts'

type History = Pick<Entry, 'vector' | 'dots' | 'beaten'>

export function includes(vector: VersionVector, dots: readonly Dot[]): boolean {
  return dots.length > 0 && dots.every((dot) => coversDot(vector, dot))
}

/** Somebody who had the content of `entry` has put something else in its place, and `by` descends from that. A conflict that it lost does
 *  not count: whoever settled it had seen it, and did not choose. */
export function isReplaced(entry: History, by: History): boolean {
  if (!includes(by.vector, entry.dots)) return false
  const open = openWrites(by)
  return !entry.dots.every((dot) => open.has(nameOf(dot)))
}

/** Writes that one of the two has beaten, or that made the loser, and that in the other's history nobody has replaced: what is left open
 *  when `winner` takes the loser's history over (as the values of a multi-value register: Shapiro et al. 2011). */
export function beatenIn(winner: History, loser: History): readonly Dot[] {
  const left = new Map<string, Dot>()
  for (const [one, other] of [
    [winner, loser],
    [loser, winner],
  ] as const) {
    const open = openWrites(other)
    for (const [name, dot] of openWrites(one)) if (open.has(name) || !coversDot(other.vector, dot)) left.set(name, dot)
  }
  for (const dot of winner.dots) left.delete(nameOf(dot))
  return inOrder(left)
}

/** Each once, in an order that is the same everywhere. What is too much is dropped: it then counts as replaced, as it did before. */
export function joinDots(left: readonly Dot[], right: readonly Dot[]): readonly Dot[] {
  return inOrder(byName([...left, ...right]))
}

function inOrder(dots: ReadonlyMap<string, Dot>): readonly Dot[] {
  const names = [...dots.keys()].sort().slice(0, mostDots)
  return names.map((name) => dots.get(name) as Dot)
}

function openWrites({ dots, beaten = [] }: History): Map<string, Dot> {
  return byName([...dots, ...beaten])
}

function byName(dots: readonly Dot[]): Map<string, Dot> {
  return new Map(dots.map((dot) => [nameOf(dot), dot]))
}

function nameOf([replica, counter]: Dot): string {
  return `${replica}:${counter}`
}
