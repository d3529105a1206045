import type { ReplicaId, VersionVector } from './types.ts'
import { covers } from './version-vector.ts'

/** Versions that a peer has told of, and therefore holds: sending them back would be an echo. Its knowledge says so only when all has
 *  reached it, which in a first sync is at the very end. Per writer the ranges of its counters, in order. Only versions that one writer
 *  alone has made are kept: their counter names them, and of a first sync nearly all are of that kind. */
export type Heard = ReadonlyMap<ReplicaId, readonly Range[]>

type Range = readonly [first: number, last: number]

/** More would cost more than the echo. */
const mostRanges = 1000

export const nothingHeard: Heard = new Map()

export function hear(heard: Heard, vectors: Iterable<VersionVector>): Heard {
  const counters = new Map<ReplicaId, number[]>()
  for (const vector of vectors) {
    const sole = soleWrite(vector)
    if (!sole) continue
    const known = counters.get(sole.replica)
    if (known) known.push(sole.counter)
    else counters.set(sole.replica, [sole.counter])
  }
  if (counters.size === 0) return heard
  const next = new Map(heard)
  for (const [replica, added] of counters) {
    const ranges = joined([...(heard.get(replica) ?? []), ...added.map((counter): Range => [counter, counter])])
    if (ranges.length <= mostRanges) next.set(replica, ranges)
  }
  return next
}

/** Whether a peer with this knowledge (undefined: taken to know nothing), of which this has been heard, holds the version. */
export function isHeld(vector: VersionVector, knowledge: VersionVector | undefined, heard: Heard): boolean {
  return (knowledge !== undefined && covers(knowledge, vector)) || hasHeard(heard, vector)
}

export function hasHeard(heard: Heard, vector: VersionVector): boolean {
  const sole = soleWrite(vector)
  const ranges = sole && heard.get(sole.replica)
  if (!ranges) return false
  let [low, high] = [0, ranges.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const [first, last] = ranges[middle] as Range
    if (sole.counter < first) high = middle - 1
    else if (sole.counter > last) low = middle + 1
    else return true
  }
  return false
}

function soleWrite(vector: VersionVector): { replica: ReplicaId; counter: number } | undefined {
  let sole: ReplicaId | undefined
  for (const replica in vector) {
    if (sole !== undefined) return undefined
    sole = replica as ReplicaId
  }
  return sole === undefined ? undefined : { replica: sole, counter: vector[sole] as number }
}

function joined(ranges: readonly Range[]): Range[] {
  const all: [number, number][] = []
  for (const [first, last] of ranges.toSorted((left, right) => left[0] - right[0])) {
    const before = all.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else all.push([first, last])
  }
  return all
}
