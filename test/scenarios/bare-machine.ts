import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectControl } from '@spansync/agent/control/client'
import { readRunInfo } from '@spansync/agent/control/endpoint'
import { loadConfig } from '@spansync/common/config/file'
import { afterAll } from 'vitest'
import type { CommandResult } from '../lab/command.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabNode } from '../lab/lab-node.ts'
import { commandLine } from '../lab/processes.ts'
import { until } from '../lab/until.ts'

const program = fileURLToPath(new URL('../../node_modules/.bin/spansync', import.meta.url))

/** A machine on which nothing was ever set up, used as a new user would. */
export class BareMachine {
  readonly machine: LabNode

  constructor(machine: LabNode) {
    this.machine = machine
  }

  get home(): string {
    return join(this.machine.home, '.config', 'spansync')
  }

  type(...args: string[]): Promise<CommandResult> {
    return this.machine.exec([program, ...args])
  }

  attempt(...args: string[]): Promise<CommandResult> {
    return this.machine.exec([program, ...args], { check: false })
  }

  async invite(...args: string[]): Promise<string> {
    return (await this.type('invite', ...args)).stdout.trim()
  }

  path(name: string): string {
    return join(this.machine.home, name)
  }

  write(name: string, content: string): void {
    mkdirSync(join(this.path(name), '..'), { recursive: true })
    writeFileSync(this.path(name), content)
  }

  has(name: string, content: string): boolean {
    return existsSync(this.path(name)) && readFileSync(this.path(name), 'utf8') === content
  }

  get peers(): string[] {
    return Object.values(loadConfig(this.home).peers).map(({ id }) => id)
  }

  async id(): Promise<string> {
    return (await connectControl(this.home).status()).id
  }

  async isLinkedWith(other: BareMachine): Promise<boolean> {
    const { links } = await connectControl(this.home).status()
    const id = await other.id()
    const names = Object.entries(loadConfig(this.home).peers).filter(([, peer]) => peer.id === id)
    return links.some(({ node, up }) => up && names.some(([name]) => name === node))
  }

  /** The agent, as a service manager would start it. */
  async run(): Promise<void> {
    this.machine.spawn([program, 'run'], { logName: 'agent' })
    const what = (): string => `the agent of ${this.machine.name} runs`
    await until(() => connectControl(this.home).status(), { deadlineMs: 20_000, what })
  }

  /** Ends its agent, and waits for that. */
  async stop(): Promise<void> {
    const pid = readRunInfo(this.home)?.pid
    if (pid === undefined) return
    await connectControl(this.home)
      .stop()
      .catch(() => undefined)
    await until(() => commandLine(pid).length === 0, { deadlineMs: 20_000, what: () => `the agent ${pid} ends` })
  }
}

/** The machines of a lab by name, each made when it is first asked for; stopped after the tests. */
export function useMachines(lab: () => Pick<Lab, 'node'>): (name: string) => BareMachine {
  const machines = new Map<string, BareMachine>()
  afterAll(() => Promise.all([...machines.values()].map((machine) => machine.stop())), 180_000)
  return (name) => {
    const machine = machines.get(name) ?? new BareMachine(lab().node(name))
    machines.set(name, machine)
    return machine
  }
}
