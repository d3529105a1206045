import type { Seen } from '@spansync/common/core/agent/events'
import type { DiskState, NodeId, RelativePath, ReplicaId } from '@spansync/common/core/causal/types'
import { directory, file, folder, written } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { expect, it } from 'vitest'
import { bringBack } from './bring-back.ts'

const [b, c] = ['b', 'c'] as NodeId[] as [NodeId, NodeId]

/** An index of `d/x` and `d/y`, of which nothing is on the disk; peers that bring what they are said to have. */
function vanished(has: Readonly<Record<string, readonly RelativePath[]>>) {
  const index = new MemoryIndex('a' as ReplicaId)
  const rows = [directory('d', { b: 1 }), file('d/x', 'x', { b: 2 }), file('d/y', 'y', { b: 3 })]
  index.commit({ rows: rows.map((row) => ({ ...row, stat: written('').stat })) })
  const disk = new Map<RelativePath, DiskState>()
  const asked: string[] = []
  const options = {
    root: '/root',
    index,
    disk: {
      perform: async (_root: string, tasks: readonly { op: string }[]) => {
        for (const task of tasks) if ('path' in task && task.op === 'mkdir') disk.set(task.path as string, folder())
        return []
      },
    },
    session: async (peer: NodeId, { paths }: { paths: readonly RelativePath[] }) => {
      asked.push(`${peer}: ${paths.join(' ')}`)
      const come = paths.filter((path) => disk.has('d') && has[peer]?.includes(path))
      for (const path of come) disk.set(path, written(path.slice(2)))
      return { result: come.length === paths.length ? ('done' as const) : ('failed' as const), reason: 'gone there' }
    },
    look: async (paths: readonly RelativePath[]): Promise<Seen[]> =>
      paths.map((path) => ({ path, local: index.get(path), disk: disk.get(path) })),
  }
  return { options, asked, disk }
}

const mayGive = (): boolean => true

it('asks only peers that know the very version and may give it, one after the other, for what is still missing', async () => {
  const { options, asked, disk } = vanished({ b: ['d/x'], c: ['d/x', 'd/y'] })
  const holders = [
    { id: 'z' as NodeId, knowledge: { b: 1 }, mayGive },
    { id: 'y' as NodeId, knowledge: { b: 9 }, mayGive: () => false },
    { id: b, knowledge: { b: 3 }, mayGive },
    { id: c, knowledge: { b: 9, c: 1 }, mayGive },
  ]
  expect(await bringBack({ ...options, holders }, ['d', 'd/x', 'd/y'])).toEqual({ files: 2, missing: 0, reason: '' })
  expect(asked).toEqual(['b: d/x d/y', 'c: d/y'])
  expect([...disk.keys()]).toEqual(['d', 'd/x', 'd/y'])
})

it('says what did not come, and why', async () => {
  const { options } = vanished({ b: ['d/x'] })
  expect(await bringBack({ ...options, holders: [] }, ['d/x'])).toEqual({
    files: 0,
    missing: 1,
    reason: 'no peer that is connected has them',
  })
  const holders = [{ id: b, knowledge: { b: 3 }, mayGive }]
  expect(await bringBack({ ...options, holders }, ['d', 'd/x', 'd/y'])).toMatchObject({
    files: 1,
    missing: 1,
    reason: 'gone there',
  })
})
