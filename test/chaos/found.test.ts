import { expect, test } from 'vitest'
import { describeLab, describeLong } from '../lab/suite.ts'
import { groundOf } from './ground.ts'
import { play } from './history.ts'
import { scheduleOf } from './steps.ts'
import { World } from './world.ts'

interface Found {
  readonly seed: number
  readonly operations: number
}

const with120 = (...seeds: number[]): Found[] => seeds.map((seed) => ({ seed, operations: 120 }))
const with140 = (...seeds: number[]): Found[] => seeds.map((seed) => ({ seed, operations: 140 }))

/** A rule of the plan, of what is told, and of what is left behind; README.md says what each seed has found. */
const short = with140(24_129, 600_182, 900_145)
/** All others but the one in `chaos.test.ts`. */
const long = [
  ...with120(101, 107, 206, 208, 952, 7011, 10_025, 11_012, 11_028, 12_004, 12_049, 14_110),
  ...with120(20_066, 22_019, 24_080, 24_115, 24_197),
  ...with140(50_002, 300_009, 600_045, 700_037, 700_122, 700_155, 1_000_009, 1_000_023),
]

async function replay({ seed, operations }: Found): Promise<void> {
  const ground = groundOf(seed)
  await using world = await World.create(ground, { logLevel: 'trace', confine: true })
  const { violations, story } = await play(world, scheduleOf({ ground, seed, operations }), `h${seed}`)
  expect(violations, story.join('\n')).toEqual([])
}

const minutes = 60_000

describeLab('histories that once found a bug', () => {
  test.each(short)('seed $seed', replay, 5 * minutes)
})

describeLong('all the others that did', () => {
  test.each(long)('seed $seed', replay, 5 * minutes)
})
