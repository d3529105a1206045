import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyEntry, anyPath } from '../../testing/arbitraries.ts'
import { file } from '../../testing/entries.ts'
import { ContentTree, differing, leafDigits, leafOf } from './content-tree.ts'
import type { Entry } from './types.ts'

const anyEntries = fc.uniqueArray(
  fc.tuple(anyPath, anyEntry).map(([path, entry]): Entry => ({ ...entry, path })),
  { selector: ({ path }) => path, maxLength: 20 },
)

const treeOf = (entries: readonly Entry[]): ContentTree => {
  const tree = new ContentTree()
  for (const entry of entries) tree.add(entry)
  return tree
}

/** As a comparison over a wire goes: level by level, only where something differs. */
function leavesOfDifference(left: ContentTree, right: ContentTree, prefix = ''): string[] {
  const below = differing(prefix, left.sums(prefix), right.sums(prefix))
  return prefix.length + 1 === leafDigits ? below : below.flatMap((child) => leavesOfDifference(left, right, child))
}

describe('ContentTree', () => {
  it('does not depend on the order, nor on versions, nor on tombstones', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const other = entries.filter(({ deleted }) => !deleted).map((entry) => ({ ...entry, vector: { 'x.1': 9 } }))
        expect(leavesOfDifference(treeOf(entries), treeOf(other.reverse()))).toEqual([])
      }),
    )
  })

  it('leads to the leaf of every entry with another content, and to no other', () => {
    fc.assert(
      fc.property(anyEntries, fc.nat(), (entries, choice) => {
        fc.pre(entries.length > 0)
        const changed = entries[choice % entries.length] as Entry
        fc.pre(!changed.deleted)
        const other = entries.map((entry) => (entry === changed ? { ...entry, hash: 'dd' } : entry))
        expect(leavesOfDifference(treeOf(entries), treeOf(other))).toEqual([leafOf(changed.path)])
      }),
    )
  })

  it('sends little where two large trees differ in one entry', () => {
    const entries = Array.from({ length: 20_000 }, (_, at) => file(`d${at % 100}/f${at}`, `h${at}`, { 'a.1': at }))
    const [first, ...rest] = entries
    const [leaf, ...more] = leavesOfDifference(
      treeOf(entries),
      treeOf([{ ...(first as Entry), hash: 'other' }, ...rest]),
    )
    expect(more).toEqual([])
    expect(entries.filter(({ path }) => leafOf(path) === leaf).length).toBeLessThan(30)
  })
})
