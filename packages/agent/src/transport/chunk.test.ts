import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkReader, chunkHeader, type Piece } from './chunk.ts'

function read(reader: ChunkReader): Piece[] {
  const pieces: Piece[] = []
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) pieces.push(piece)
  return pieces
}

describe('ChunkReader', () => {
  it('finds the same chunks however the bytes are cut', () => {
    const chunk = fc.record({ kind: fc.constantFrom('raw', 'zstd', 'abort'), size: fc.integer({ min: 1, max: 400 }) })
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 50 })), (chunks, cuts) => {
        const wire = Buffer.concat(
          chunks.flatMap(({ kind, size }, index) => [
            chunkHeader(kind, size, kind === 'zstd' ? size * 2 : undefined),
            Buffer.alloc(size, index),
          ]),
        )
        const reader = new ChunkReader()
        const pieces: Piece[] = []
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = cuts[turn % Math.max(1, cuts.length)] ?? wire.length
          reader.feed(wire.subarray(at, at + size))
          at += size
          pieces.push(...read(reader))
        }
        const sizes = new Map<number, number>()
        for (const { data } of pieces) sizes.set(data[0] ?? -1, (sizes.get(data[0] ?? -1) ?? 0) + data.length)
        expect([...sizes.values()]).toEqual(chunks.map(({ size }) => size))
        expect(reader.buffered).toBe(0)
      }),
    )
  })

  it('hands raw data out before the chunk is whole, and holds the others back', () => {
    const reader = new ChunkReader()
    reader.feed(Buffer.concat([chunkHeader('raw', 10), Buffer.from('abc')]))
    expect(read(reader).map(({ data }) => data.toString())).toEqual(['abc'])
    reader.feed(Buffer.from('defghij'))
    expect(read(reader).map(({ data }) => data.toString())).toEqual(['defghij'])
    reader.feed(Buffer.concat([chunkHeader('zstd', 5, 9), Buffer.from('12')]))
    expect(read(reader)).toEqual([])
    reader.feed(Buffer.from('345'))
    expect(read(reader)).toEqual([{ kind: 'zstd', data: Buffer.from('12345'), rawLength: 9 }])
  })
})
