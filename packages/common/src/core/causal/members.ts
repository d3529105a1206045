import type { NodeId, VersionVector } from './types.ts'
import { compare, meet } from './version-vector.ts'

/** What a member of a folder has said of itself. Its word reaches all others by way of neighbours, and stays when it goes away. */
export interface Member {
  readonly node: NodeId
  /** Rises with every word of this member. */
  readonly version: number
  /** What it had on its disk, durably. */
  readonly knowledge: VersionVector
  /** With whom a person there shares the folder, as far as they have ever been met. */
  readonly neighbours: readonly NodeId[]
}

export type Members = ReadonlyMap<NodeId, Member>

/** All members: whoever can be reached over neighbours, beginning with `own`. One that a person has removed is nobody's neighbour.
 *  Undefined when one of them has not been heard of yet. */
export function everybody(members: Members, own: Member): readonly Member[] | undefined {
  const found = new Map([[own.node, own]])
  // Grows meanwhile by the neighbours of those in it.
  for (const member of found.values()) {
    for (const node of member.neighbours) {
      if (found.has(node)) continue
      const next = members.get(node)
      if (!next) return undefined
      found.set(node, next)
    }
  }
  return [...found.values()]
}

/** What all of them have: of each writer the lowest counter. */
export function floorOf(members: readonly Member[]): VersionVector {
  return members.map(({ knowledge }) => knowledge).reduce(meet)
}

export function saysTheSame(left: Member, right: Member): boolean {
  return hasSameCompany(left, right) && compare(left.knowledge, right.knowledge) === 'equal'
}

export function hasSameCompany(left: Member, right: Member): boolean {
  return [...left.neighbours].sort().join() === [...right.neighbours].sort().join()
}
