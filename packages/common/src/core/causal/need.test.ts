import { describe, expect, it } from 'vitest'
import { need } from './need.ts'
import type { Dot, Entry, ReplicaId, VersionVector } from './types.ts'

const dot = (replica: string, counter: number): Dot => [replica as ReplicaId, counter]

function file(vector: VersionVector, more: Partial<Entry> = {}): Entry {
  const dots = Object.entries(vector).map(([replica, counter]) => dot(replica, counter))
  const content = { kind: 'file', deleted: false, size: 3, mtimeUs: 5, mode: 0o644, hash: 'aa' } as const
  return { path: 'f', vector, dots, ...content, ...more }
}

const gone = (vector: VersionVector): Entry => file(vector, { deleted: true, size: 0, mtimeUs: 0, mode: 0, hash: '' })
const directory = (vector: VersionVector): Entry =>
  file(vector, { kind: 'dir', size: 0, mtimeUs: 0, mode: 0o755, hash: '' })
const link = (vector: VersionVector, hash: string): Entry => file(vector, { kind: 'symlink', mode: 0, hash })

describe('need', () => {
  it.each<[string, Entry | undefined, Entry, object]>([
    ['never seen', undefined, file({ b: 1 }), { kind: 'take' }],
    ['never seen, and deleted already', undefined, gone({ b: 1 }), { kind: 'adopt' }],
    ['the same', file({ a: 1 }), file({ a: 1 }), { kind: 'nothing' }],
    ['ours is newer', file({ a: 2 }, { hash: 'bb' }), file({ a: 1 }), { kind: 'nothing' }],
    ['ours is deleted since', gone({ a: 2 }), file({ a: 1 }), { kind: 'nothing' }],
    ['theirs is newer', file({ a: 1 }), file({ a: 1, b: 1 }, { hash: 'bb' }), { kind: 'take' }],
    ['theirs is deleted since', file({ a: 1 }), gone({ a: 1, b: 1 }), { kind: 'take' }],
    ['theirs came back', gone({ a: 1 }), file({ a: 2 }), { kind: 'take' }],
    ['only the vector is newer', file({ a: 1 }), file({ a: 1, b: 1 }), { kind: 'adopt' }],
    ['only the modification time is newer', file({ a: 1 }), file({ a: 2 }, { mtimeUs: 9 }), { kind: 'adopt' }],
    ['only the mode is newer', file({ a: 1 }), file({ a: 2 }, { mode: 0o755 }), { kind: 'take' }],
    ['both wrote the same', file({ a: 1 }), file({ b: 1 }), { kind: 'merge' }],
    ['both deleted', gone({ a: 1 }), gone({ b: 1 }), { kind: 'merge' }],
    [
      'both edited, theirs is later',
      file({ a: 1 }),
      file({ b: 1 }, { hash: 'bb', mtimeUs: 6 }),
      { kind: 'resolve', keep: true },
    ],
    ['both edited, ours is later', file({ a: 1 }), file({ b: 1 }, { hash: 'bb', mtimeUs: 4 }), { kind: 'wait' }],
    [
      'both edited at once, their hash is greater',
      file({ a: 1 }),
      file({ b: 1 }, { hash: 'bb' }),
      { kind: 'resolve', keep: true },
    ],
    ['we deleted, they edited', gone({ a: 1 }), file({ b: 1 }), { kind: 'resolve', keep: false }],
    ['we edited, they deleted', file({ a: 1 }), gone({ b: 1 }), { kind: 'wait' }],
    [
      'a file here, a directory there',
      file({ a: 1 }, { mtimeUs: 99 }),
      directory({ b: 1 }),
      { kind: 'resolve', keep: true },
    ],
    ['a directory here, a file there', directory({ a: 1 }), file({ b: 1 }, { mtimeUs: 99 }), { kind: 'wait' }],
    ['two links', link({ a: 1 }, 'aa'), link({ b: 1 }, 'bb'), { kind: 'resolve', keep: true }],
    [
      'only the mode differs: no bytes can be lost',
      file({ a: 1 }),
      file({ b: 1 }, { mode: 0o755 }),
      { kind: 'resolve', keep: false },
    ],
    [
      'two directories that differ in mode',
      directory({ a: 1 }),
      { ...directory({ b: 1 }), mode: 0o777 },
      { kind: 'resolve', keep: false },
    ],
    [
      'damage: equal vectors, other content',
      file({ a: 1 }),
      file({ a: 1 }, { hash: 'bb' }),
      { kind: 'resolve', keep: true },
    ],
  ])('%s', (_, local, remote, expected) => {
    expect(need(local, remote)).toEqual(expected)
  })

  it.each<[string, Entry, Entry, object]>([
    // c replaced b's edit before it met a's: a's edit is concurrent to c's, but b's content is not.
    [
      'theirs has seen the write that made ours',
      file({ a: 2, b: 1 }, { dots: [dot('b', 1)], mtimeUs: 99 }),
      file({ b: 1, c: 1 }, { dots: [dot('c', 1)], hash: 'bb' }),
      { kind: 'resolve', keep: false },
    ],
    [
      'ours has seen the write that made theirs',
      file({ b: 1, c: 1 }, { dots: [dot('c', 1)] }),
      file({ a: 2, b: 1 }, { dots: [dot('b', 1)], hash: 'bb', mtimeUs: 99 }),
      { kind: 'wait' },
    ],
    [
      'their deletion has seen ours',
      file({ a: 2, b: 1 }, { dots: [dot('b', 1)] }),
      { ...gone({ b: 1, c: 1 }), dots: [dot('c', 1)] },
      { kind: 'resolve', keep: false },
    ],
  ])('concurrent, but %s', (_, local, remote, expected) => {
    expect(need(local, remote)).toEqual(expected)
  })
})
