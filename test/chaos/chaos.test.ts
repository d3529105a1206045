import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeLab } from '../lab/suite.ts'
import { readTree } from '../lab/tree.ts'
import { contentOf } from './audit.ts'
import { groundOf } from './ground.ts'
import { type Outcome, play } from './history.ts'
import { inspect } from './inspect.ts'
import type { Version } from './ledger.ts'
import { settle } from './settle.ts'
import { scheduleOf } from './steps.ts'
import { World } from './world.ts'

/** All on one ground, since making it takes as long as a history. */
const seeds: readonly (readonly [seed: number, what: string])[] = [
  [527, "sessions that were overtaken left temporary files among the user's own for good"],
]
const ground = groundOf(525)
const home = (seed: number): string => `h${seed}`

describeLab('random histories with real agents', () => {
  let world: World
  let last: Outcome
  beforeAll(async () => {
    world = await World.create(ground, { logLevel: 'trace', confine: true })
  }, 180_000)
  afterAll(() => world?.[Symbol.asyncDispose](), 180_000)

  test.each(seeds)('seed %i: %s', async (seed) => {
    last = await play(world, scheduleOf({ ground, seed, operations: 64 }), home(seed))
    expect(last.violations, last.story.join('\n')).toEqual([])
  })

  /** What is done behind the ledger's back must not pass. */
  const tampered = async (): Promise<string[]> => [...(await settle(world)), ...(await inspect(world))]
  const replica = (): string => world.desks[0]?.at('') ?? ''
  const found = (isMeant: (version: Version) => boolean): Version => {
    const version = world.ledger.versions.find(isMeant)
    if (version === undefined) throw new Error('the last history has none')
    return version
  }

  test('a version that vanishes is found out', async () => {
    const tree = readTree(replica())
    const kept = world.kept.contents()
    const isOnlyThere = ({ path, content, replaced, written }: Version): boolean =>
      written > 0 && replaced === 0 && contentOf(tree.get(path)) === content && !kept.has(content)
    const { path } = found(isOnlyThere)
    rmSync(join(replica(), path))
    // Elsewhere it goes to the kept versions, which would be enough.
    await settle(world)
    for (const agent of world.fleet.agents) rmSync(join(agent.home, 'versions'), { recursive: true, force: true })
    expect((await tampered()).filter((line) => line.startsWith('lost: '))).not.toEqual([])
  })

  test('a version that comes back is found out', async () => {
    world.desks[0]?.put('buried', Buffer.from('to be deleted'))
    world.desks[0]?.take('buried')
    writeFileSync(join(replica(), 'buried'), 'to be deleted')
    expect(await tampered()).toContainEqual(expect.stringMatching(/^risen from the dead: "buried"/))
    rmSync(join(replica(), 'buried'))
  })

  test('a lock and a process that nobody needs are found out', async () => {
    const lock = join(world.fleet.agent('n0').home, 'unison', `lk${'0'.repeat(32)}`)
    writeFileSync(lock, '')
    await using stray = world.fleet.lab.node('n0').spawn(['sleep', '600'])
    const lines = await tampered()
    rmSync(lock)
    expect(lines).toContainEqual(`left over on n0: ${lock}`)
    expect(lines).toContainEqual(`still runs on n0: ${stray.pid} sleep 600`)
  })
})
