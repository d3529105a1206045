import type { Digest, RelativePath, VersionVector } from './types.ts'

interface Fingerprinted {
  readonly path: RelativePath
  readonly vector: VersionVector
  readonly deleted: boolean
}

export const emptyDigest = '0'.repeat(32) as Digest

/** The digest with one more entry. Order does not matter; `removeFromDigest` undoes it. Tombstones do not count: one replica may have
 *  dropped them and the other not yet, and both hold the same. */
export function addToDigest(digest: Digest, entry: Fingerprinted): Digest {
  return combine(digest, entry, 1)
}

export function removeFromDigest(digest: Digest, entry: Fingerprinted): Digest {
  return combine(digest, entry, -1)
}

function combine(digest: Digest, entry: Fingerprinted, sign: 1 | -1): Digest {
  return entry.deleted ? digest : shift(digest, fingerprint(entry), sign)
}

/** Adds any text to a digest. */
export function addText(digest: Digest, text: string): Digest {
  return shift(digest, lanesOf(text), 1)
}

function shift(digest: Digest, lanes: readonly number[], sign: 1 | -1): Digest {
  let sum = ''
  for (let lane = 0; lane < 4; lane++) {
    const before = Number.parseInt(digest.slice(lane * 8, lane * 8 + 8), 16)
    sum += ((before + sign * (lanes[lane] as number)) >>> 0).toString(16).padStart(8, '0')
  }
  return sum as Digest
}

/** 128 bits from two runs of a 53-bit string hash (cyrb53, by bryc, public domain) with different seeds. It finds differences;
 *  it is no defence against somebody who wants two entries to collide, and need not be: peers are trusted with the data. */
function fingerprint({ path, vector }: Omit<Fingerprinted, 'deleted'>): readonly number[] {
  const keys = Object.keys(vector).sort()
  let text = `${path}\0`
  for (const key of keys) text += `${key}:${vector[key]};`
  return lanesOf(text)
}

function lanesOf(text: string): readonly number[] {
  return [...mix(text, 0x9e3779b9), ...mix(text, 0x85ebca6b)]
}

/** 53 bits or so of a text: equal everywhere. */
export function hashText(text: string): number {
  return mix(text, 0x9e3779b9)[0]
}

function mix(text: string, seed: number): readonly [number, number] {
  let high = 0xdeadbeef ^ seed
  let low = 0x41c6ce57 ^ seed
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return [high >>> 0, low >>> 0]
}
