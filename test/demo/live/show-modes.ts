import type { DemoAgent } from '../agent.ts'
import type { DemoNetwork } from '../network.ts'
import type { Terminal } from '../terminal.ts'
import { paintNode } from './lines.ts'
import { modeChanges, modeText } from './modes.ts'

/** The agents notice within moments of each other that the coordinator has gone, and make one line. */
const quietMs = 300
/** That it is back they notice when each dials again: those that agree wait for the others. */
const patienceMs = 4000

/** Prints a line when the agents begin to follow the coordinator, or no longer do. */
export class ModeView implements Disposable {
  readonly #terminal: Terminal
  readonly #stop = new AbortController()
  readonly #count: number
  readonly #now = new Map<string, string>()
  #told = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined

  constructor({ agents }: DemoNetwork, terminal: Terminal) {
    this.#terminal = terminal
    this.#count = agents.length
    for (const agent of agents) void this.#follow(agent)
  }

  async #follow(agent: DemoAgent): Promise<void> {
    try {
      for await (const status of agent.watchStatus(this.#stop.signal)) this.#note(agent.name, modeText(status))
    } catch {
      // It has ended; whoever waits for that says why.
    }
  }

  #note(node: string, text: string): void {
    if (this.#now.get(node) === text) return
    this.#now.set(node, text)
    // As it was from the start is no news.
    if (!this.#told.has(node)) this.#told.set(node, text)
    clearTimeout(this.#timer)
    const agree = new Set(this.#now.values()).size === 1
    this.#timer = setTimeout(() => this.#tell(), agree ? quietMs : patienceMs)
  }

  #tell(): void {
    const { paint, print } = this.#terminal
    for (const { text, nodes } of modeChanges(this.#told, this.#now)) {
      const who = nodes.length === this.#count ? ['all'] : nodes
      for (const node of who) print(`${paintNode(paint, node, 8)}${paint('bold', text)}`)
    }
    this.#told = new Map(this.#now)
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
  }
}
