import type { Dot, ReplicaId, VersionVector } from './types.ts'

export type Order = 'equal' | 'ahead' | 'behind' | 'concurrent'

export const emptyVector: VersionVector = Object.freeze({})

/** How `left` stands to `right`: 'ahead' means that it has seen all of `right` and more. */
export function compare(left: VersionVector, right: VersionVector): Order {
  const leftCovers = covers(left, right)
  const rightCovers = covers(right, left)
  if (leftCovers && rightCovers) return 'equal'
  if (leftCovers) return 'ahead'
  return rightCovers ? 'behind' : 'concurrent'
}

/** True when every counter of `right` is at most that of `left`. */
export function covers(left: VersionVector, right: VersionVector): boolean {
  for (const key in right) if ((right[key] as number) > (left[key] ?? 0)) return false
  return true
}

export function coversDot(vector: VersionVector, [replica, counter]: Dot): boolean {
  return (vector[replica] ?? 0) >= counter
}

/** Least vector that covers both. */
export function merge(left: VersionVector, right: VersionVector): VersionVector {
  if (covers(left, right)) return left
  if (covers(right, left)) return right
  const merged: Record<string, number> = { ...left }
  for (const key in right) merged[key] = Math.max(merged[key] ?? 0, right[key] as number)
  return merged
}

/** Greatest vector that both cover. */
export function meet(left: VersionVector, right: VersionVector): VersionVector {
  const common: Record<string, number> = {}
  for (const key in left) {
    const counter = Math.min(left[key] as number, right[key] ?? 0)
    if (counter > 0) common[key] = counter
  }
  return common
}

export function withCounter(vector: VersionVector, replica: ReplicaId, counter: number): VersionVector {
  return { ...vector, [replica]: counter }
}
