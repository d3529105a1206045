import fc from 'fast-check'
import { namePattern } from '../config/values.ts'
import type { Dot, Entry, Kind, ReplicaId, VersionVector } from '../core/causal/types.ts'

export const replicas = [
  'laptop.a1',
  'server.b2',
  'my.phone.c3',
] as const satisfies readonly string[] as readonly string[]

/** Small counters and few keys, so that all four orders come up; a zero means the same as a missing key. */
export const anyVector: fc.Arbitrary<VersionVector> = fc.dictionary(
  fc.constantFrom(...replicas),
  fc.integer({ min: 0, max: 4 }),
  { maxKeys: replicas.length, noNullPrototype: true },
)

export const anyPath: fc.Arbitrary<string> = fc
  .array(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((part) => !/[/\0]|^\.\.?$/.test(part)),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join('/'))

export const anyNodeName: fc.Arbitrary<string> = fc.stringMatching(namePattern)

const anyContent = fc.record({
  kind: fc.constantFrom<Kind>('file', 'dir', 'symlink'),
  deleted: fc.boolean(),
  mtimeUs: fc.integer({ min: 1, max: 3 }),
  mode: fc.constantFrom(0o644, 0o755),
  hash: fc.constantFrom('aa11', 'bb22', 'cc33'),
})

const anyWrite = fc.record({ key: fc.nat(), counter: fc.nat() })

/** As entries really are: a vector that includes the dots of its content, and only the fields that the kind has. */
export const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    vector: anyVector.filter((vector) => Object.values(vector).some((counter) => counter > 0)),
    content: anyContent,
    made: fc.array(anyWrite, { minLength: 1, maxLength: 2 }),
    lost: fc.array(anyWrite, { maxLength: 2 }),
  })
  .map(({ vector, content, made, lost }) => {
    const keys = Object.keys(vector).filter((key) => (vector[key] ?? 0) > 0)
    const toDot = ({ key, counter }: { key: number; counter: number }): Dot => {
      const replica = keys[key % keys.length] as string
      return [replica as ReplicaId, 1 + (counter % (vector[replica] as number))]
    }
    const dots = uniqueDots(made.map(toDot))
    const others = uniqueDots(lost.map(toDot)).filter((dot) => !dots.some((own) => own.join() === dot.join()))
    const beaten = others.length === 0 ? {} : { beaten: others }
    return { path: 'd/name.txt', vector, dots, ...beaten, ...fieldsOf(content) }
  })

/** Two entries of one path. Often with equal content or equal vectors, which chance alone would rarely give. */
export const anyPair: fc.Arbitrary<readonly [Entry, Entry]> = fc
  .tuple(anyEntry, anyEntry, fc.constantFrom('free', 'same content', 'same vector'))
  .map(([left, right, relation]): readonly [Entry, Entry] => {
    if (relation === 'same content') return [left, withHistory(left, right)]
    if (relation === 'same vector') return [left, withHistory(right, left)]
    return [left, right]
  })

function withHistory({ beaten: _, ...content }: Entry, { vector, dots, beaten }: Entry): Entry {
  return { ...content, vector, dots, ...(beaten ? { beaten } : {}) }
}

type Fields = Pick<Entry, 'kind' | 'deleted' | 'size' | 'mtimeUs' | 'mode' | 'hash'>

function fieldsOf({ kind, deleted, mtimeUs, mode, hash }: Omit<Fields, 'size'>): Fields {
  if (deleted) return { kind, deleted, size: 0, mtimeUs: 0, mode: 0, hash: '' }
  if (kind === 'dir') return { kind, deleted, size: 0, mtimeUs: 0, mode, hash: '' }
  return { kind, deleted, size: hash.length, mtimeUs, mode: kind === 'symlink' ? 0 : mode, hash }
}

function uniqueDots(dots: readonly Dot[]): Dot[] {
  return [...new Map(dots.map((dot) => [dot.join(':'), dot])).values()]
}
