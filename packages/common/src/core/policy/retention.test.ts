import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KeptVersionSize, Retention, type RetentionLimits } from './retention.ts'

const dayMs = 86_400_000
const now = 100 * dayMs
const limits: RetentionLimits = { days: 30, count: 2, maxBytes: 100 }

function verdicts(versions: readonly KeptVersionSize[], more: Partial<RetentionLimits> = {}): string[] {
  const retention = new Retention({ ...limits, ...more }, now)
  return versions.map((version) => retention.judge(version))
}

const version = (path: string, ageDays: number, bytes = 10): KeptVersionSize => {
  return { path, keptAtMs: now - ageDays * dayMs, bytes }
}

describe('retention', () => {
  it('keeps what is young, few and small', () => {
    expect(verdicts([version('a', 1), version('b', 30)])).toEqual(['keep', 'keep'])
  })
  it('lets the old go', () => {
    expect(verdicts([version('a', 29), version('a', 31)])).toEqual(['keep', 'old'])
    expect(verdicts([version('a', 0), version('a', 0.1)], { days: 0 })).toEqual(['keep', 'old'])
  })
  it('keeps only so many of one path', () => {
    expect(verdicts(['a', 'b', 'a', 'a', 'b'].map((path) => version(path, 1)))).toEqual([
      ...['keep', 'keep', 'keep'],
      ...['surplus', 'keep'],
    ])
  })
  it('lets go of what does not fit, and of all that is older, however small', () => {
    const sizes = [60, 50, 1]
    expect(verdicts(sizes.map((bytes, at) => version(`${at}`, at, bytes)))).toEqual(['keep', 'no_room', 'no_room'])
  })
  it('shares one room among folders', () => {
    const room = { bytes: 0 }
    const [docs, work] = [new Retention(limits, now, room), new Retention(limits, now, room)]
    expect([docs.judge(version('a', 1, 60)), work.judge(version('a', 2, 60))]).toEqual(['keep', 'no_room'])
  })
})

it('what stays is within all limits, and nothing older stays where something newer of the path had no room', () => {
  const anyVersion = fc.record({
    path: fc.constantFrom('a', 'b', 'c'),
    age: fc.nat(60),
    bytes: fc.nat(60),
  })
  fc.assert(
    fc.property(fc.array(anyVersion), (shown) => {
      const versions = shown.toSorted((left, right) => left.age - right.age)
      const judged = verdicts(versions.map(({ path, age, bytes }) => version(path, age, bytes)))
      const kept = versions.filter((_, at) => judged[at] === 'keep')
      expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(limits.maxBytes)
      expect(kept.every(({ age }) => age <= limits.days)).toBe(true)
      for (const path of ['a', 'b', 'c'])
        expect(kept.filter((one) => one.path === path).length).toBeLessThanOrEqual(limits.count)
      const firstWithout = judged.indexOf('no_room')
      if (firstWithout >= 0) expect(judged.slice(firstWithout)).not.toContain('keep')
    }),
  )
})
