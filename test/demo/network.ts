/// <reference lib="esnext.disposable" />

import { rmSync } from 'node:fs'
import type { NetworkMode } from '@spansync/common/protocol/coordination'
import type { Overview } from '@spansync/common/protocol/overview'
import { until } from '../lab/until.ts'
import { DemoAgent } from './agent.ts'
import { DemoCoordinator } from './coordinator.ts'
import type { ProcessEndedError } from './errors.ts'
import { type DemoPlaces, folderId, type NodeName, nodeNames } from './places.ts'
import type { DemoProcess } from './process.ts'

const deadlineMs = 120_000

/** What all running agents shall say of their coordinator. */
export interface Following {
  readonly connected: boolean
  /** Absent: either. */
  readonly effective?: NetworkMode
}

/** laptop — server — desktop, and the coordinator. */
export class DemoNetwork implements AsyncDisposable {
  readonly agents: readonly DemoAgent[]
  readonly coordinator: DemoCoordinator
  /** Aborted with a ProcessEndedError as soon as an agent ends by itself, or the coordinator unless it may. */
  readonly failed: AbortSignal
  #coordinatorEnded: (error: ProcessEndedError) => void

  constructor(places: DemoPlaces) {
    const failure = new AbortController()
    const onDeath = (error: Error): void => failure.abort(error)
    this.failed = failure.signal
    this.agents = nodeNames.map((name) => new DemoAgent({ name, places, onDeath }))
    this.#coordinatorEnded = onDeath
    this.coordinator = new DemoCoordinator(places, (error) => this.#coordinatorEnded(error))
  }

  /** The coordinator comes first. */
  get processes(): readonly DemoProcess[] {
    return [this.coordinator, ...this.agents]
  }

  agent(name: NodeName): DemoAgent {
    const agent = this.agents.find((candidate) => candidate.name === name)
    if (agent === undefined) throw new Error(`there is no agent ${name}`)
    return agent
  }

  /** From now on people may end the coordinator, and are told so. */
  letCoordinatorEnd(tell: (how: string) => void): void {
    this.#coordinatorEnded = ({ how }) => tell(how)
  }

  /** Resolves when all answer, both links are up, and the coordinator, if there shall be one, is known to all. */
  async start({ coordinated, signal }: { coordinated: boolean; signal: AbortSignal }): Promise<void> {
    for (const daemon of coordinated ? this.processes : this.agents) {
      rmSync(daemon.logFile, { force: true })
      daemon.start()
    }
    await this.connected(signal)
    if (coordinated) await this.following({ connected: true }, signal)
  }

  /** Waits until the running agents have all links between them. */
  async connected(signal: AbortSignal): Promise<void> {
    const running = this.agents.filter((agent) => agent.running)
    let missing: string[] = []
    const complete = async (): Promise<boolean> => {
      missing = []
      for (const agent of running) {
        const { links } = await agent.status(signal)
        const down = links.filter(({ node, up }) => !up && running.some(({ name }) => name === node))
        missing.push(...down.map(({ node }) => `${agent.name} to ${node}`))
      }
      return missing.length === 0
    }
    const what = (): string => `the links are up; still down: ${missing.join(', ') || 'unknown'}`
    await until(complete, { deadlineMs, intervalMs: 50, what, signal: this.#either(signal) })
  }

  /** Waits until the running agents follow the coordinator in this way, or do not. */
  async following({ connected, effective }: Following, signal: AbortSignal): Promise<void> {
    const running = this.agents.filter((agent) => agent.running)
    let views: string[] = []
    const agree = async (): Promise<boolean> => {
      const statuses = await Promise.all(running.map((agent) => agent.status(signal)))
      views = statuses.map(({ node, mode, coordinator }) => `${node}: ${JSON.stringify({ mode, coordinator })}`)
      return statuses.every(
        ({ mode, coordinator }) =>
          coordinator.connected === connected && (effective === undefined || mode.effective === effective),
      )
    }
    const wanted = `all are ${connected ? '' : 'not '}connected to the coordinator${effective ? ` and ${effective}` : ''}`
    const what = (): string => `${wanted}; they say ${views.join(', ')}`
    await until(agree, { deadlineMs, intervalMs: 20, what, signal: this.#either(signal) })
  }

  /** What the coordinator says when it knows both links. */
  async planned(signal: AbortSignal): Promise<Overview> {
    const overview = async (): Promise<Overview | undefined> => {
      const found = await this.coordinator.overview()
      const plan = found.plans.find(({ folder }) => folder === folderId)
      return plan?.edges.length === this.agents.length - 1 ? found : undefined
    }
    return await until(overview, { deadlineMs, what: 'the coordinator has a plan', signal: this.#either(signal) })
  }

  /** Ends all that run. Answers what was not as it should be, one line each. */
  async stop(): Promise<string[]> {
    return (await Promise.all(this.processes.map((daemon) => daemon.stop()))).flat()
  }

  #either(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.failed])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
