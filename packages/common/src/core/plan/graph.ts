import type { NodeId } from '../causal/types.ts'
import { isUsable, referenceBytes, secondsFor } from './link-time.ts'
import { sortedByKeys } from './radix-order.ts'
import type { Ends } from './rooted.ts'
import type { PairChange, PlanLink, PlanRequest } from './types.ts'

/** Per link: price per GB, length in seconds (expected, for the reference payload), round trip in ms, and 1 if it is metered. */
export interface Metric {
  readonly price: Float64Array
  readonly seconds: Float64Array
  readonly rttMs: Float64Array
  readonly metered: Float64Array
}

/** The usable links between participants, with nodes and links as numbers. Nodes are numbered in the order of their ids, links in the
 *  order of their ends (`from` below `to`), parallel ones by what they are like: whatever order the input had, equal networks give
 *  equal graphs, so everything that is computed from one is deterministic without further care.
 *  - `links` as they were given, but for those that `edgeAt` has turned; `isEdge` 1 for those that it has seen
 *  - `held` 1 for links between two nodes that are neighbours in the plan in force */
export interface Graph extends Ends, Metric {
  readonly ids: readonly NodeId[]
  readonly indexOf: ReadonlyMap<NodeId, number>
  readonly isLeaf: Uint8Array
  readonly links: PlanLink[]
  readonly isEdge: Uint8Array
  readonly held: Uint8Array
}

export function makeGraph(request: PlanRequest): Graph {
  const ids = [...new Set(request.participants)].sort()
  const indexOf = new Map(ids.map((id, index) => [id, index]))
  const isLeaf = Uint8Array.from(ids, (id) => (request.leafOnly.has(id) ? 1 : 0))
  const nodes = ids.length
  // Filled in place, here and below: growing arrays of this size took a third of the time.
  const usable = new Array<PlanLink>(request.links.length)
  let count = 0
  const ends = new Float64Array(request.links.length)
  for (const link of request.links) {
    const a = indexOf.get(link.a)
    const b = indexOf.get(link.b)
    if (a === undefined || b === undefined || a === b || !isUsable(link)) continue
    ends[count] = a < b ? a * nodes + b : b * nodes + a
    usable[count++] = link
  }
  usable.length = count
  const order = sortedByKeys([ends.subarray(0, count)], count)
  sortParallel(usable, order, ends)
  const links = new Array<PlanLink>(count)
  for (let at = 0; at < count; at++) links[at] = usable[order[at] as number] as PlanLink
  const from = order.map((index) => Math.floor((ends[index] as number) / nodes))
  const to = order.map((index) => (ends[index] as number) % nodes)
  const [isEdge, held] = [new Uint8Array(count), new Uint8Array(count)]
  const graph = { nodes, ids, indexOf, isLeaf, links, from, to, isEdge, held, ...metricOf(usable, order) }
  for (const { a, b } of request.previous?.edges ?? []) markHeld(graph, a, b)
  return graph
}

/** Orders the links of each pair that has several. */
function sortParallel(links: readonly PlanLink[], order: Uint32Array, ends: Float64Array): void {
  const pairAt = (at: number): number | undefined => ends[order[at] as number]
  for (let at = 1; at < order.length; at++) {
    if (pairAt(at) !== pairAt(at - 1)) continue
    const start = at - 1
    while (at < order.length && pairAt(at) === pairAt(start)) at++
    order.subarray(start, at).sort((left, right) => compareAlike(links[left] as PlanLink, links[right] as PlanLink))
  }
}

/** A total order of the links of one pair, up to links that are the same in all that counts. */
function compareAlike(left: PlanLink, right: PlanLink): number {
  return (
    left.pricePerGb - right.pricePerGb ||
    Number(left.metered) - Number(right.metered) ||
    secondsFor(left, referenceBytes) - secondsFor(right, referenceBytes) ||
    left.rttMs - right.rttMs ||
    left.throughputBps - right.throughputBps ||
    left.availability - right.availability ||
    capOf(left) - capOf(right)
  )
}

function capOf({ capBytes }: PlanLink): number {
  return capBytes === undefined ? Number.MAX_VALUE : Math.min(capBytes, Number.MAX_VALUE)
}

function markHeld(graph: Graph, a: NodeId, b: NodeId): void {
  const range = pairRange(graph, a, b)
  if (range) graph.held.fill(1, range.start, range.end)
}

/** A link as a plan shows it, lower end first. Turned when it is first asked for, since few of the links are ever in a plan. */
export function edgeAt({ links, isEdge }: Graph, index: number): PlanLink {
  const link = links[index] as PlanLink
  if (isEdge[index] === 1) return link
  isEdge[index] = 1
  const { a, b } = link
  if (a < b) return link
  const edge = { ...link, a: b, b: a }
  links[index] = edge
  return edge
}

/** Where the links of a pair are, or would be; undefined unless both are participants. */
export function pairRange(graph: Graph, a: NodeId, b: NodeId): { start: number; end: number } | undefined {
  const [one, other] = [graph.indexOf.get(a), graph.indexOf.get(b)]
  if (one === undefined || other === undefined || one === other) return undefined
  const [low, high] = [Math.min(one, other), Math.max(one, other)]
  return { start: firstAtOrAfter(graph, low, high), end: firstAtOrAfter(graph, low, high + 1) }
}

function firstAtOrAfter({ from, to }: Graph, low: number, high: number): number {
  let [start, end] = [0, from.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    const isBefore = (from[middle] as number) < low || (from[middle] === low && (to[middle] as number) < high)
    if (isBefore) start = middle + 1
    else end = middle
  }
  return start
}

/** The graph after a change between two participants, whose links are in `range`. It takes the arrays of the old graph over, which must
 *  not be used any more: copying those of 100,000 links would take most of the time of a change. */
export function withPair(graph: Graph, change: PairChange, range: { start: number; end: number }): Graph {
  const { start, end } = range
  const [one, other] = [graph.indexOf.get(change.a) as number, graph.indexOf.get(change.b) as number]
  const links = change.links.filter((link) => isUsable(link) && joins(link, change)).sort(compareAlike)
  const same = (value: number): number[] => links.map(() => value)
  const { price, seconds, rttMs, metered } = metricOf(links)
  graph.links.splice(start, end - start, ...links)
  return {
    ...graph,
    from: spliced(graph.from, range, same(Math.min(one, other))),
    to: spliced(graph.to, range, same(Math.max(one, other))),
    price: spliced(graph.price, range, price),
    seconds: spliced(graph.seconds, range, seconds),
    rttMs: spliced(graph.rttMs, range, rttMs),
    metered: spliced(graph.metered, range, metered),
    isEdge: spliced(graph.isEdge, range, same(0)),
    // A link that was down is no neighbour of the plan any more: another has taken its place.
    held: spliced(graph.held, range, same(end > start ? (graph.held[start] as number) : 0)),
  }
}

function joins(link: PlanLink, { a, b }: PairChange): boolean {
  return (link.a === a && link.b === b) || (link.a === b && link.b === a)
}

/** In place while the buffer has room, else in a larger one. */
function spliced<T extends Uint8Array | Uint32Array | Float64Array>(
  array: T,
  { start, end }: { start: number; end: number },
  values: ArrayLike<number>,
): T {
  const make = array.constructor as new (of: number | ArrayBufferLike) => T
  const length = array.length + values.length - (end - start)
  const hasRoom = length * array.BYTES_PER_ELEMENT <= array.buffer.byteLength
  const whole = hasRoom ? new make(array.buffer) : new make(length + (length >> 3) + 1)
  if (!hasRoom) whole.set(array)
  if (length !== array.length) whole.copyWithin(start + values.length, end, array.length)
  whole.set(values, start)
  return whole.subarray(0, length) as T
}

/** Reads the links in the order in which they were given, which is how they lie in memory; `order` says where each one goes. */
function metricOf(links: readonly PlanLink[], order?: Uint32Array): Metric {
  const price = new Float64Array(links.length)
  const seconds = new Float64Array(links.length)
  const rttMs = new Float64Array(links.length)
  const metered = new Float64Array(links.length)
  for (let index = 0; index < links.length; index++) {
    const link = links[index] as PlanLink
    // Minus zero would sort last.
    price[index] = link.pricePerGb + 0
    seconds[index] = secondsFor(link, referenceBytes)
    rttMs[index] = link.rttMs + 0
    metered[index] = link.metered ? 1 : 0
  }
  if (!order) return { price, seconds, rttMs, metered }
  const inOrder = (values: Float64Array): Float64Array => {
    const sorted = new Float64Array(values.length)
    for (let at = 0; at < order.length; at++) sorted[at] = values[order[at] as number] as number
    return sorted
  }
  return { price: inOrder(price), seconds: inOrder(seconds), rttMs: inOrder(rttMs), metered: inOrder(metered) }
}
