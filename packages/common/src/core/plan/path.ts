import type { Rooted } from './rooted.ts'

/** The links between two nodes of one tree, or undefined when they are in different ones. Time: depth of the tree. */
export function pathBetween({ parent, parentLink, root }: Rooted, one: number, other: number): number[] | undefined {
  if (root[one] !== root[other]) return undefined
  const above = new Map<number, number>()
  for (let node = one, steps = 0; node >= 0; node = parent[node] as number) above.set(node, steps++)
  const rest: number[] = []
  let meeting = other
  for (; !above.has(meeting); meeting = parent[meeting] as number) rest.push(parentLink[meeting] as number)
  const path: number[] = []
  for (let node = one; node !== meeting; node = parent[node] as number) path.push(parentLink[node] as number)
  return [...path, ...rest]
}
