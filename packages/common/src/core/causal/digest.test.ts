import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyPath, anyVector } from '../../testing/arbitraries.ts'
import { addToDigest, emptyDigest, removeFromDigest } from './digest.ts'
import type { VersionVector } from './types.ts'

const anyItems = fc.array(fc.record({ path: anyPath, vector: anyVector, deleted: fc.constant(false) }), {
  maxLength: 12,
})
const digestOf = (items: readonly Parameters<typeof addToDigest>[1][]) => items.reduce(addToDigest, emptyDigest)

const live = (path: string, vector: VersionVector) => ({ path, vector, deleted: false })

describe('digest', () => {
  it('leaves tombstones out, which one replica may have dropped', () => {
    fc.assert(
      fc.property(anyItems, anyItems, (items, gone) => {
        const all = [...items, ...gone.map((item) => ({ ...item, deleted: true }))]
        expect(digestOf(all)).toBe(digestOf(items))
      }),
    )
  })

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(anyItems, fc.infiniteStream(fc.nat()), (items, numbers) => {
        const shuffled = items.map((item) => ({ item, at: numbers.next().value })).sort((x, y) => x.at - y.at)
        expect(digestOf(shuffled.map(({ item }) => item))).toBe(digestOf(items))
      }),
    )
  })

  it('takes back what was added, in any order', () => {
    fc.assert(
      fc.property(anyItems, anyItems, (stay, go) => {
        const all = digestOf([...stay, ...go])
        expect(go.reduce(removeFromDigest, all)).toBe(digestOf(stay))
      }),
    )
  })

  it('tells two histories apart', () => {
    fc.assert(
      fc.property(anyPath, anyPath, anyVector, (left, right, vector) => {
        fc.pre(left !== right)
        expect(digestOf([live(left, vector)])).not.toBe(digestOf([live(right, vector)]))
        const later = { ...vector, 'laptop.a1': (vector['laptop.a1'] ?? 0) + 1 }
        expect(digestOf([live(left, vector)])).not.toBe(digestOf([live(left, later)]))
      }),
    )
  })

  it('counts an entry that is there twice', () => {
    const item = live('a', { 'laptop.a1': 1 })
    expect(digestOf([item, item])).not.toBe(digestOf([item]))
  })

  it('is 32 hex digits, does not depend on the order of keys, and stays what it has always been', () => {
    const digest = digestOf([live('dir/ü.txt', { 'laptop.a1': 3, 'server.b2': 12 })])
    expect(digest).toBe(digestOf([live('dir/ü.txt', { 'server.b2': 12, 'laptop.a1': 3 })]))
    expect(digest).toMatchInlineSnapshot(`"ea11f13c6003e86d15846f3708618432"`)
    expect(emptyDigest).toMatch(/^0{32}$/)
  })
})
