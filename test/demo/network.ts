/// <reference lib="esnext.disposable" />

import { rmSync } from 'node:fs'
import { until } from '../lab/until.ts'
import { DemoAgent, howText } from './agent.ts'
import { type DemoPlaces, type NodeName, nodeNames } from './places.ts'

/** laptop — server — desktop. */
export class DemoNetwork implements AsyncDisposable {
  readonly agents: readonly DemoAgent[]
  /** Aborted with an AgentEndedError as soon as an agent ends by itself. */
  readonly failed: AbortSignal

  constructor(places: DemoPlaces) {
    const failure = new AbortController()
    const onDeath = (error: Error): void => failure.abort(error)
    this.failed = failure.signal
    this.agents = nodeNames.map((name) => new DemoAgent({ name, places, onDeath }))
  }

  agent(name: NodeName): DemoAgent {
    const agent = this.agents.find((candidate) => candidate.name === name)
    if (agent === undefined) throw new Error(`there is no agent ${name}`)
    return agent
  }

  /** Resolves when all three answer and both links are up. */
  async start(signal: AbortSignal): Promise<void> {
    for (const agent of this.agents) {
      rmSync(agent.logFile, { force: true })
      agent.start()
    }
    await this.connected(signal)
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
    await until(complete, { deadlineMs: 30_000, intervalMs: 50, what, signal: AbortSignal.any([signal, this.failed]) })
  }

  /** Ends all that run. Answers what was not as it should be, one line each. */
  async stop(): Promise<string[]> {
    const endings = await Promise.all(this.agents.map(async (agent) => ({ agent, ending: await agent.stop() })))
    return endings.flatMap(({ agent, ending }) =>
      ending === undefined || ending.code === 0 ? [] : [`the agent of ${agent.name} stopped with ${howText(ending)}`],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
