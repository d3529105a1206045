import { describe, expect, it } from 'vitest'
import { CompressionPolicy } from './compression-policy.ts'

const chunk = 128 * 1024

/** Feeds chunks that shrink to `ratio`; how many of them were compressed. */
function feed(policy: CompressionPolicy, count: number, ratio: number): number {
  let compressed = 0
  for (let index = 0; index < count; index++) {
    const { how, bytes } = policy.choose(chunk)
    if (how === 'raw') continue
    compressed += 1
    policy.observe(bytes, bytes * ratio)
  }
  return compressed
}

describe('CompressionPolicy', () => {
  it('goes on while it pays', () => expect(feed(new CompressionPolicy('adaptive'), 100, 0.9)).toBe(100))

  it('gives up within a few chunks, and tries small parts now and then', () => {
    const policy = new CompressionPolicy('adaptive')
    expect(feed(policy, 8, 1)).toBeLessThanOrEqual(4)
    expect(feed(policy, 1000, 1)).toBeLessThan(210)
    expect(policy.isRaw).toBe(true)
  })

  it('returns when a trial shrinks', () => {
    const policy = new CompressionPolicy('adaptive')
    feed(policy, 20, 1)
    expect(policy.isRaw).toBe(true)
    feed(policy, 20, 0.1)
    expect(policy.isRaw).toBe(false)
  })

  it('compresses small messages also between large ones that do not shrink', () => {
    const policy = new CompressionPolicy('adaptive')
    feed(policy, 20, 1)
    expect(policy.choose(300).how).toBe('zstd')
    expect(policy.choose(10).how).toBe('raw')
  })

  it('always means always', () => expect(feed(new CompressionPolicy('always'), 50, 1.01)).toBe(50))
})
