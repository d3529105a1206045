import { copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import type { Outcome } from './history.ts'
import { indexFileOf, type World } from './world.ts'

/** Everything needed to understand a failed history, in a directory that outlives the lab: the story, the ledger, all logs, the indexes. */
export async function keepEvidence(world: World, seed: number, { violations, story }: Outcome): Promise<string> {
  const directory = join(tmpdir(), `spansync-chaos-${seed}`)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  const ledger = world.ledger.versions.map((version) => JSON.stringify({ ...version, writers: [...version.writers] }))
  writeFileSync(join(directory, 'story.txt'), [...violations, '', ...story, '', ...ledger, ''].join('\n'))
  writeFileSync(join(directory, 'report.txt'), await world.fleet.report())
  for (const agent of world.fleet.agents) {
    for (const file of globSync(join(agent.machine.directory, '*.log'))) copy(file, agent.name)
    for (const file of globSync(`${indexFileOf(agent)}*`)) copy(file, agent.name)
  }
  return directory

  function copy(file: string, name: string): void {
    try {
      copyFileSync(file, join(directory, `${name}-${basename(file)}`))
    } catch (error) {
      // The agents go on working.
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
}
