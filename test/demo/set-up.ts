import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import { parseHostPort } from '@spansync/common/config/values'
import type { DemoAgent } from './agent.ts'
import { isReady, mark } from './directory.ts'
import { StillRunningError } from './errors.ts'
import type { DemoNetwork } from './network.ts'
import { type DemoPlaces, folderId, type NodeName, typed } from './places.ts'
import { freePorts, host, isFree } from './ports.ts'

/** Makes the three homes with the commands that a person would type, or uses those of the last time. Documents stay as they are.
 *  The directory must be claimed. Throws StillRunningError and what the commands say. */
export async function setUp(places: DemoPlaces, network: DemoNetwork): Promise<'new' | 'again'> {
  await refuseRunning(network)
  if (isReady(places)) {
    for (const agent of network.agents) await renewPort(network, agent)
    return 'again'
  }
  mark(places, { ready: false })
  // New indexes beside old documents are safe: equal files are adopted, others are kept as conflict copies.
  rmSync(places.homes, { recursive: true, force: true })
  await initialise(network)
  mark(places, { ready: true })
  return 'new'
}

/** To be asked before anything is changed or removed under something that runs. Ends the nats-server of a coordinator that was
 *  killed: the next one would take it over, but a removal must not pull its store from under it. */
export async function refuseRunning({ agents, coordinator }: DemoNetwork): Promise<void> {
  const candidates = [
    ...(await Promise.all(agents.map(async (agent) => ({ daemon: agent, pid: await agent.pidInHome() })))),
    { daemon: coordinator, pid: coordinator.pidInHome },
  ]
  const running = candidates
    .filter(({ daemon, pid }) => (daemon === coordinator ? coordinator.isHeld : pid !== undefined))
    .map(({ daemon, pid }) => ({ home: typed(daemon.home), pid }))
  if (running.length > 0) throw new StillRunningError(running)
  await coordinator.stop()
}

async function initialise(network: DemoNetwork): Promise<void> {
  const { agents } = network
  const ports = await freePorts(agents.length)
  const listen = (agent: DemoAgent): string => `${host}:${ports[agents.indexOf(agent)]}`
  await Promise.all(
    agents.map(async (agent) => {
      mkdirSync(dirname(agent.documents), { recursive: true })
      await agent.command(['init', '--name', agent.name, '--listen', listen(agent)])
    }),
  )
  const ids = new Map(await Promise.all(agents.map(async (agent) => [agent.name, await idOf(agent)] as const)))
  const id = (name: NodeName): string => ids.get(name) ?? ''
  await Promise.all(
    agents.map(async (agent) => {
      // One after the other: every command edits the same file.
      if (agent.name === 'server') {
        for (const name of ['laptop', 'desktop'] as const) await agent.command(['peer', 'add', name, '--id', id(name)])
      } else {
        await agent.command(['peer', 'add', 'server', listen(network.agent('server')), '--id', id('server')])
      }
      await agent.command(['folder', 'add', folderId, agent.documents])
    }),
  )
}

export async function idOf(agent: DemoAgent): Promise<string> {
  return (await agent.command(['id'])).stdout.trim()
}

/** Since the last time somebody else may have taken the port. */
async function renewPort(network: DemoNetwork, agent: DemoAgent): Promise<void> {
  const { port } = parseHostPort(loadConfig(agent.home).listen ?? '') ?? {}
  if (port === undefined || (await isFree(port))) return
  const [free] = await freePorts(1)
  await editConfig(agent.home, (editor) => editor.set(['listen'], `${host}:${free}`))
  if (agent.name !== 'server') return
  const id = await idOf(agent)
  for (const name of ['laptop', 'desktop'] as const) {
    await network.agent(name).command(['peer', 'add', 'server', `${host}:${free}`, '--id', id])
  }
}
