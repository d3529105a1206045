import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyNetwork } from '../../testing/networks.ts'
import { makeGraph } from './graph.ts'
import { sortedByKeys } from './radix-order.ts'
import { arcsOf, rootForest } from './rooted.ts'
import { shortestPaths } from './shortest-paths.ts'
import { treeDistance } from './tree-distance.ts'

describe('shortest paths', () => {
  it('are as long as those found by trying links until nothing gets shorter', () => {
    fc.assert(
      fc.property(anyNetwork({ nodes: 30, links: 80 }), fc.nat(), (network, start) => {
        const graph = makeGraph(network)
        const { nodes, from, to, seconds } = graph
        const source = start % nodes
        const arcs = arcsOf(graph, [...from.keys()])
        const { distance, parent, parentLink } = shortestPaths(arcs, seconds, [{ node: source, distance: 0.5 }])
        const expected = new Array<number>(nodes).fill(Number.POSITIVE_INFINITY)
        expected[source] = 0.5
        const relax = (one: number, other: number, length: number): void => {
          expected[other] = Math.min(expected[other] as number, (expected[one] as number) + length)
        }
        for (let round = 0; round < nodes; round++) {
          for (const link of from.keys()) {
            relax(from[link] as number, to[link] as number, seconds[link] as number)
            relax(to[link] as number, from[link] as number, seconds[link] as number)
          }
        }
        expect([...distance]).toEqual(expected)
        for (let node = 0; node < nodes; node++) {
          const up = parent[node] as number
          if (up >= 0)
            expect(distance[node]).toBe((distance[up] as number) + (seconds[parentLink[node] as number] as number))
        }
      }),
    )
  })

  it('start from the nearest of several sources', () => {
    const arcs = arcsOf({ nodes: 3, from: Uint32Array.of(0, 1), to: Uint32Array.of(1, 2) }, [0, 1])
    const sources = [0, 2].map((node) => ({ node, distance: node }))
    expect([...shortestPaths(arcs, Float64Array.of(5, 1), sources).distance]).toEqual([0, 3, 2])
  })
})

describe('distances along a tree', () => {
  it('are sums over the path, in deep trees as in bushy ones', () => {
    const anyTree = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 9 })), { minLength: 1, maxLength: 200, size: 'max' })
    fc.assert(
      fc.property(anyTree, fc.boolean(), fc.nat(), fc.nat(), (list, isDeep, x, y) => {
        const from = Uint32Array.from(list, ([up], at) => (isDeep ? at - (up % Math.min(3, at + 1)) : up % (at + 1)))
        const to = Uint32Array.from(list, (_, at) => at + 1)
        const lengths = Float64Array.from(list, ([, length]) => length)
        const ends = { nodes: list.length + 1, from, to }
        const rooted = rootForest(ends, [...from.keys()])
        const [one, other] = [x % ends.nodes, y % ends.nodes]
        const { distance } = shortestPaths(
          arcsOf(ends, [...from.keys()]),
          lengths.map((length) => length + 1),
          [{ node: one, distance: 0 }],
        )
        const along = treeDistance(
          rooted,
          lengths.map((length) => length + 1),
        )(one, other)
        expect(along).toBe(distance[other])
      }),
    )
  })
})

describe('sorting by keys', () => {
  it.each([10, 5000])('is what comparing would give, for %d numbers', (count) => {
    const key = fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }))
    const keys = fc.array(key, { minLength: count, maxLength: count, size: 'max' })
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        const [first, second] = [Float64Array.from(one, Math.round), Float64Array.from(other)]
        const expected = [...first.keys()].sort(
          (x, y) =>
            (first[x] as number) - (first[y] as number) || (second[x] as number) - (second[y] as number) || x - y,
        )
        expect([...sortedByKeys([first, second], count)]).toEqual(expected)
      }),
      { numRuns: 10 },
    )
  })
})
