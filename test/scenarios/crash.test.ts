import { expect, test } from 'vitest'
import type { Fleet } from '../lab/fleet.ts'
import { type ProcessInfo, sendSignal } from '../lab/processes.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { readTree } from '../lab/tree.ts'
import { pause, until } from '../lab/until.ts'
import { Place } from './place.ts'
import { Random } from './random.ts'
import { Work } from './work.ts'

const seed = Number(process.env.SPANSYNC_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.SPANSYNC_KILLS ?? 100)

/** Kills a Unison, or an agent, which is started again at once. Says what it was. */
async function strike(fleet: Fleet, random: Random): Promise<string> {
  if (random.chance(0.5)) {
    const found = await until(() => some(fleet.unisons()), { deadlineMs: 1500, intervalMs: 3, what: 'a Unison' }).catch(
      () => [],
    )
    // Unisons live for a fraction of a second; a little later in their life is another moment.
    await pause(random.integer(0, 20))
    const struck = found.filter(({ pid }) => sendSignal(pid, 'SIGKILL'))
    if (struck.length > 0) return 'unison'
  }
  const agent = random.pick(fleet.agents)
  await agent.crash()
  agent.launch()
  return agent.name
}

const some = (found: ProcessInfo[]): ProcessInfo[] | undefined => (found.length === 0 ? undefined : found)

describeLab('SIGKILL at random moments', () => {
  const fleet = useFleet('ring')

  test(`${kills} kills in a run of small work lose nothing (SPANSYNC_SEED=${seed})`, { timeout: 300_000 }, async () => {
    console.log(`crash scenario: SPANSYNC_SEED=${seed} SPANSYNC_KILLS=${kills}`)
    const random = new Random(seed)
    const work = new Work(new Map(fleet().agents.map(({ name, folderPath }) => [name, new Place(folderPath)])), random)
    const struck = new Map<string, number>()
    for (let kill = 0; kill < kills; kill += 1) {
      for (let act = random.integer(1, 4); act > 0; act -= 1) work.act()
      // The moment of the blow is what this scenario varies; there is nothing to wait for.
      await pause(random.integer(0, 500))
      const name = await strike(fleet(), random)
      struck.set(name, (struck.get(name) ?? 0) + 1)
    }
    console.log(`killed: ${[...struck].map(([name, count]) => `${name} ${count}×`).join(', ')}`)
    await fleet().untilEqual({ deadlineMs: 90_000, intervalMs: 200 })
    await fleet().lab.quiet(2000, 20_000)
    await fleet().untilEqual()
    const { lost, risen, copied } = work.audit(readTree(fleet().agent('a').folderPath))
    console.log(`${work.size} files written, ${copied} of them only in a conflict copy`)
    expect({ lost, risen }).toEqual({ lost: [], risen: [] })
  })
})
