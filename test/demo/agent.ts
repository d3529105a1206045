import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { connectControl } from '@spansync/agent/control/client'
import type { Status } from '@spansync/common/protocol/status'
import { type CommandOptions, type CommandResult, runCommand } from '../lab/command.ts'
import { AgentEndedError } from './errors.ts'
import { logTail } from './log-tail.ts'
import { type DemoPlaces, type NodeName, program, typed } from './places.ts'

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not even be started. */
  readonly error?: Error
}

export interface DemoAgentOptions {
  readonly name: NodeName
  readonly places: DemoPlaces
  /** It ended, and nobody had asked it to. */
  readonly onDeath: (error: AgentEndedError) => void
}

/** Longer than an agent needs to end its sessions. */
const graceMs = 10_000

/** One of the three agents, driven by its command line. */
export class DemoAgent {
  readonly name: NodeName
  readonly home: string
  readonly documents: string
  readonly logFile: string
  readonly #onDeath: DemoAgentOptions['onDeath']
  #child: ChildProcess | undefined
  #ended: Promise<Ending> | undefined
  #logStart = 0
  #dismissed = false

  constructor({ name, places, onDeath }: DemoAgentOptions) {
    this.name = name
    this.home = places.home(name)
    this.documents = places.documents(name)
    this.logFile = places.log(name)
    this.#onDeath = onDeath
  }

  /** `spansync --home … ARGS`. Throws CommandError unless it ends with 0. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand([program, '--home', this.home, ...args], options)
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  /** `spansync run`. The log goes on where it was. */
  start(): void {
    if (this.running) throw new Error(`the agent of ${this.name} runs already`)
    mkdirSync(dirname(this.logFile), { recursive: true })
    const log = openSync(this.logFile, 'a')
    this.#logStart = statSync(this.logFile).size
    this.#dismissed = false
    // In a process group of its own: Ctrl-C is for the demonstration, which then ends its agents in good order.
    const child = spawn(program, ['--home', this.home, 'run'], { detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    this.#ended = ended(child)
    void this.#ended.then((ending) => this.#report(child, ending))
  }

  #report(child: ChildProcess, ending: Ending): void {
    if (this.#dismissed || child !== this.#child) return
    const { name } = this
    const lastWords = this.lastWords().join('\n')
    this.#onDeath(new AgentEndedError({ name, how: howText(ending), lastWords, logFile: typed(this.logFile) }))
  }

  /** Indented, since its last start. */
  lastWords(): string[] {
    const lines = logTail(this.logFile, this.#logStart)
    return (lines.length === 0 ? ['(nothing)'] : lines).map((line) => `  ${line}`)
  }

  /** As a service manager would. Undefined: it did not run. */
  async stop(): Promise<Ending | undefined> {
    if (!this.running) return undefined
    this.#dismissed = true
    this.#child?.kill('SIGTERM')
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs)
    try {
      return await this.#ended
    } finally {
      clearTimeout(timer)
    }
  }

  /** SIGKILL. Its Unison processes are left to their fate, as after a crash. */
  async crash(): Promise<void> {
    this.#dismissed = true
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** Throws while it does not answer yet. */
  status(signal?: AbortSignal): Promise<Status> {
    return connectControl(this.home).status(signal)
  }

  watchStatus(signal: AbortSignal): AsyncGenerator<Status> {
    return connectControl(this.home).watch(signal)
  }
}

function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

export function howText({ code, signal, error }: Ending): string {
  if (error !== undefined) return error.message
  return signal === null ? `exit code ${code}` : signal
}
