import { isDeepStrictEqual } from 'node:util'
import { compareTrees, readTree } from '../lab/tree.ts'
import { auditVersions } from './audit.ts'
import { leftovers } from './leftovers.ts'
import { disagreement } from './settle.ts'
import type { World } from './world.ts'

/** What an exchange without news may cost on one link: knowledge, probes, beats. No content fits into it that is told from noise, so
 *  sessions are counted too. */
const idleBytesPerLink = 30_000

/** All that must hold once everything is quiet. */
export async function inspect(world: World): Promise<string[]> {
  const { fleet, ledger } = world
  const trees = new Map(fleet.agents.map(({ name, folderPath }) => [name, readTree(folderPath)]))
  const [tree = new Map()] = trees.values()
  return [
    ...compareTrees(trees).map((line) => `not equal: ${line}`),
    ...auditVersions({ ledger, tree, kept: world.kept.contents() }),
    ...(await knowledge(world)),
    ...(await anotherSync(world)),
    ...(await leftovers(world)),
  ]
}

/** Equal knowledge, nothing behind, no problem, the mode that was configured. */
async function knowledge({ fleet, ground }: World): Promise<string[]> {
  const found: string[] = []
  const statuses = await Promise.all(fleet.agents.map((agent) => agent.glance()))
  const [reference] = statuses
  for (const { node, folders, errors = [] } of statuses) {
    const folder = folders.find(({ id }) => id === 'f')
    const known = reference?.folders.find(({ id }) => id === 'f')?.knowledge
    if (!isDeepStrictEqual(folder?.knowledge, known)) {
      found.push(
        `knowledge differs: ${reference?.node} ${JSON.stringify(known)}, ${node} ${JSON.stringify(folder?.knowledge)}`,
      )
    }
    for (const problem of [...errors, ...(folder?.errors ?? [])])
      found.push(`${node} reports ${JSON.stringify(problem)}`)
    if (ground.graph.nodes.length < 2) continue
    for (const { node: peer, behind, lacking } of folder?.peers ?? []) {
      if (behind.files + lacking.files > 0)
        found.push(`${node} counts ${peer} as behind: ${JSON.stringify({ behind, lacking })}`)
    }
  }
  return found
}

/** Everybody looks at everything again: that brings nothing. */
async function anotherSync({ fleet }: World): Promise<string[]> {
  const sessions = (): number =>
    fleet.agents.reduce((sum, agent) => sum + agent.output().split('folder.fetched').length, 0)
  const [before, bytesBefore] = [sessions(), fleet.lab.bytes()]
  const said = await Promise.all(fleet.agents.map((agent) => disagreement(agent, fleet.agents.length)))
  const [brought, bytes] = [sessions() - before, fleet.lab.bytes() - bytesBefore]
  const found = said.flat().map((line) => `a second sync does not end: ${line}`)
  if (brought > 0) found.push(`a second sync fetched ${brought} times`)
  const most = idleBytesPerLink * fleet.lab.links.length
  if (bytes > most) found.push(`a second sync sent ${bytes} bytes, more than ${most}`)
  return found
}
