import { printable } from '@spansync/common/cli/format'
import type { Problem, Status } from '@spansync/common/protocol/status'
import type { DemoAgent } from '../agent.ts'
import type { DemoNetwork } from '../network.ts'
import type { Terminal } from '../terminal.ts'
import { paintNode } from './lines.ts'

/** Prints what the agents report as wrong, once until it has passed. */
export function showTroubles({ agents }: DemoNetwork, terminal: Terminal): Disposable {
  const controller = new AbortController()
  for (const agent of agents) void follow(agent, terminal, controller.signal)
  return { [Symbol.dispose]: () => controller.abort() }
}

async function follow(agent: DemoAgent, terminal: Terminal, signal: AbortSignal): Promise<void> {
  let told = new Set<string>()
  try {
    for await (const status of agent.watchStatus(signal)) {
      const problems = new Map(problemsOf(status).map((problem) => [textOf(problem), problem]))
      for (const [text, { remedy }] of problems) {
        if (told.has(text)) continue
        const { paint, print } = terminal
        print(`${paintNode(paint, agent.name, 8)}${paint('red', text)} ${paint('dim', `(${printable(remedy)})`)}`)
      }
      told = new Set(problems.keys())
    }
  } catch {
    // It has ended; whoever waits for that says why.
  }
}

/** The coordinator's absence is no trouble, and has a line of its own. */
const absence = new Set(['nats_unreachable', 'nats_lost', 'nats_silent'])

function problemsOf({ errors = [], folders }: Status): Problem[] {
  return [...errors.filter(({ code }) => !absence.has(code)), ...folders.flatMap((folder) => folder.errors)]
}

function textOf({ path, message }: Problem): string {
  return printable(path === undefined ? message : `${path}: ${message}`)
}
