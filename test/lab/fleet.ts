/// <reference lib="esnext.disposable" />

import { join } from 'node:path'
import type { LabGraph, LinkSpec } from './graph.ts'
import { Lab } from './lab.ts'
import { allProcesses, networkNamespace, type ProcessInfo } from './processes.ts'
import { type EqualOptions, replicaDifferences, untilEqual } from './replicas.ts'
import { SpansyncNode, type SpansyncOptions } from './spansync-node.ts'
import { readTree } from './tree.ts'
import { until } from './until.ts'

export interface FleetOptions extends Omit<SpansyncOptions, 'folderPath'> {
  /** The shared folder's id. */
  readonly folder?: string
  /** Default true. */
  readonly start?: boolean
  /** More of `peer add`'s, for both ends of a link; its price for example. */
  readonly linkFlags?: (link: LinkSpec) => readonly string[]
}

/** Agents on every node of a lab that share one folder and know their neighbours in the graph. */
export class Fleet implements AsyncDisposable {
  readonly lab: Lab
  readonly agents: readonly SpansyncNode[]
  private readonly ownsLab: boolean

  constructor(lab: Lab, agents: readonly SpansyncNode[], ownsLab: boolean) {
    this.lab = lab
    this.agents = agents
    this.ownsLab = ownsLab
  }

  /** Makes a lab too, unless given one. The daemons run when this returns, unless `start` is false. Fleets in one lab need
   *  different `instance` names. */
  static async create(where: string | LabGraph | Lab, options: FleetOptions = {}): Promise<Fleet> {
    const lab = where instanceof Lab ? where : await Lab.create(where)
    const { instance } = options
    const agents = lab.nodes.map((machine) => {
      const folderPath = instance === undefined ? machine.folderPath : join(machine.directory, `${instance}-f`)
      return new SpansyncNode(machine, { ...options, folderPath })
    })
    await using fleet = new AsyncDisposableStack()
    const made = fleet.use(new Fleet(lab, agents, !(where instanceof Lab)))
    await Promise.all(agents.map((agent) => agent.init()))
    await made.introduce(options.linkFlags)
    await Promise.all(agents.map((agent) => agent.addFolder(options.folder ?? 'f')))
    if (options.start !== false) {
      await Promise.all(agents.map((agent) => agent.start()))
      await made.connected()
    }
    fleet.move()
    return made
  }

  agent(name: string): SpansyncNode {
    const agent = this.agents.find((candidate) => candidate.name === name)
    if (agent === undefined) throw new Error(`the fleet has no agent ${name}`)
    return agent
  }

  /** Both ends of every link get to know each other, by `peer add` where there is something to say of the link. */
  private async introduce(linkFlags: FleetOptions['linkFlags'] = () => []): Promise<void> {
    const ids = new Map(await Promise.all(this.agents.map(async (agent) => [agent.name, await agent.id()] as const)))
    const additions = this.agents.map(async (agent) => {
      const links = this.lab.links.filter(({ spec }) => spec.a === agent.name || spec.b === agent.name)
      const peers = links.map(({ spec }) => {
        const name = spec.a === agent.name ? spec.b : spec.a
        const address = `${this.lab.address(name, agent.name)}:${this.agent(name).port}`
        const addresses = spec.dialer === agent.name ? [address] : []
        return { name, id: ids.get(name) ?? '', addresses, flags: linkFlags(spec) }
      })
      await agent.knowPeers(peers.filter(({ flags }) => flags.length === 0))
      // One after the other: every command edits the same file.
      for (const { name, id, addresses, flags } of peers)
        if (flags.length > 0) await agent.addPeer(name, id, addresses[0], ...flags)
    })
    await Promise.all(additions)
  }

  /** Waits until every running agent has a link to each of its running neighbours. */
  async connected(deadlineMs = 20_000): Promise<void> {
    const running = this.agents.filter((agent) => agent.alive)
    const missing = new Map<string, string[]>()
    const complete = async (): Promise<boolean> => {
      for (const agent of running) {
        const { links } = await agent.glance()
        const down = links.filter((link) => !link.up && running.some(({ name }) => name === link.node))
        missing.set(
          agent.name,
          down.map(({ node }) => node),
        )
      }
      return [...missing.values()].every((nodes) => nodes.length === 0)
    }
    const what = (): string => `links are up; down are ${JSON.stringify([...missing])}`
    await until(complete, { deadlineMs, intervalMs: 50, what })
  }

  /** All links up and all agents running again, whatever a test has left. Answers the names of those that did not run. */
  async mend(): Promise<string[]> {
    for (const link of this.lab.links) if (!link.isUp) await link.setUp(true)
    const down = this.agents.filter((agent) => !agent.alive)
    await Promise.all(down.map((agent) => agent.start()))
    return down.map(({ name }) => name)
  }

  /** Waits until all replicas (of the running agents, by default) hold exactly what `writer`'s replica holds now. */
  async follow(writer: string, options: EqualOptions & { readonly only?: readonly string[] } = {}): Promise<number> {
    const wanted = readTree(join(this.agent(writer).folderPath, options.below ?? ''))
    const names = options.only ?? this.agents.filter((agent) => agent.alive).map(({ name }) => name)
    return untilEqual(
      names.map((name) => this.agent(name)),
      { as: wanted, ...options },
    )
  }

  /** `follow`, and then some seconds for the agents (all, or those `asked`) to know too that all is equal: only from then on is what
   *  is done next to a file surely done to the version that came. Does not fail when they never do; another test asks for that. */
  async settle(writer: string, options: EqualOptions & { readonly asked?: readonly string[] } = {}): Promise<void> {
    await this.follow(writer, options)
    const running = this.agents.filter((agent) => agent.alive && (options.asked?.includes(agent.name) ?? true))
    await Promise.all(running.map((agent) => agent.sync(5)))
  }

  /** All Unison processes of this lab, also those whose agent has died. */
  unisons(): ProcessInfo[] {
    const all = allProcesses()
    const ours = new Set(this.agents.flatMap((agent) => agent.tree(all).map(({ pid }) => pid)))
    const namespaces = new Set<string | undefined>(this.agents.map(({ machine }) => machine.namespace.id))
    return all
      .filter(({ name, state }) => name.startsWith('unison') && state !== 'Z')
      .filter(({ pid }) => ours.has(pid) || namespaces.has(networkNamespace(pid)))
  }

  untilEqual(options: EqualOptions = {}): Promise<number> {
    return untilEqual(this.agents, options)
  }

  /** Everything needed to understand a failure: what differs, how the agents see it, and what they said last. */
  async report(): Promise<string> {
    const views = this.agents.map(async (agent) => {
      const folders = agent.alive ? await agent.status().then((status) => status.folders, String) : 'does not run'
      return `${agent.name}: ${JSON.stringify(folders)}\n${agent.logTails()}`
    })
    return ['What differs:', ...this.differences(), ...(await Promise.all(views))].join('\n')
  }

  private differences(): string[] {
    try {
      return replicaDifferences(this.agents)
    } catch (error) {
      return [String(error)]
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop(5000).catch(() => {})))
    if (this.ownsLab) await this.lab[Symbol.asyncDispose]()
  }
}
