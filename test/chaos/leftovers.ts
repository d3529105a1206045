import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, type ProcessInfo } from '../lab/processes.ts'
import { until } from '../lab/until.ts'
import { filesBelow } from './files-below.ts'
import type { World } from './world.ts'

/** Temporary files, locks, drafts and processes that nobody needs any more. A session that is kept for a while may run on, below its agent. */
export async function leftovers(world: World): Promise<string[]> {
  let found: string[] = []
  const none = (): boolean => {
    found = [...files(world), ...orphans(world)]
    return found.length === 0
  }
  // What a killed agent left ends by itself when it notices; that may take a moment.
  await until(none, { deadlineMs: 4000, intervalMs: 100, what: 'nothing is left over' }).catch(() => {})
  return found
}

function files({ fleet }: World): string[] {
  return fleet.agents.flatMap(({ name, folderPath, home }) => {
    const unison = join(home, 'unison')
    // What gathers in `.spansync/ahead` and is never announced is given up by itself, after ten minutes.
    const inFolder = filesBelow(folderPath).filter((file) => /\/\.unison\.[^/]*(\/|$)/.test(file))
    const locks = existsSync(unison) ? filesBelow(unison).filter((file) => /\/(lk|tm|sc)[0-9a-f]{32}$/.test(file)) : []
    return [...inFolder, ...locks].map((file) => `left over on ${name}: ${file}`)
  })
}

/** What runs on a machine without belonging to its agent or to the coordinator. */
function orphans({ fleet, coordinator }: World): string[] {
  const ours = new Set(fleet.agents.flatMap((agent) => agent.tree().map(({ pid }) => pid)))
  const natsPid = coordinator?.natsPid()
  return fleet.agents
    .flatMap(({ name, machine }) => machine.namespace.processes().map((info) => ({ name, info })))
    .filter(({ info }) => !ours.has(info.pid) && info.pid !== natsPid && !isCoordinator(info))
    .map(({ name, info }) => `still runs on ${name}: ${info.pid} ${commandLine(info.pid).join(' ')}`)
}

const isCoordinator = ({ pid }: ProcessInfo): boolean => commandLine(pid).some((word) => word.includes('coordinator'))
