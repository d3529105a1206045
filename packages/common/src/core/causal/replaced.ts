import type { Dot, Entry, VersionVector } from './types.ts'
import { coversDot } from './version-vector.ts'

type History = Pick<Entry, 'vector' | 'dots' | 'beaten'>

export function includes(vector: VersionVector, dots: readonly Dot[]): boolean {
  return dots.length > 0 && dots.every((dot) => coversDot(vector, dot))
}

/** Somebody who had the content of `entry` has put something else in its place, and `by` descends from that. A conflict that it lost does
 *  not count: whoever settled it had seen it, and did not choose. */
export function isReplaced(entry: History, by: History): boolean {
  const open = openWrites(by)
  return includes(by.vector, entry.dots) && !entry.dots.every((dot) => open.has(nameOf(dot)))
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
  return [...left.keys()].sort().map((name) => left.get(name) as Dot)
}

function openWrites({ dots, beaten = [] }: History): Map<string, Dot> {
  return new Map([...dots, ...beaten].map((dot) => [nameOf(dot), dot]))
}

function nameOf([replica, counter]: Dot): string {
  return `${replica}:${counter}`
}
