import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type CommandOptions, type CommandResult, runCommand } from '../lab/command.ts'
import { ProcessEndedError } from './errors.ts'
import { logTail } from './log-tail.ts'
import { typed } from './places.ts'

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not even be started. */
  readonly error?: Error
}

export interface DemoProcessOptions {
  /** For people, such as `the agent of laptop`. */
  readonly title: string
  readonly program: string
  readonly home: string
  readonly logFile: string
  /** It ended, and nobody had asked it to. */
  readonly onDeath: (error: ProcessEndedError) => void
}

/** Longer than an agent needs to end its sessions. */
const graceMs = 10_000

/** A daemon with a home, driven by its command line. */
export class DemoProcess {
  readonly title: string
  readonly home: string
  readonly logFile: string
  readonly #program: string
  readonly #onDeath: DemoProcessOptions['onDeath']
  #child: ChildProcess | undefined
  #ended: Promise<Ending> | undefined
  #logStart = 0
  #dismissed = false

  constructor({ title, program, home, logFile, onDeath }: DemoProcessOptions) {
    this.title = title
    this.home = home
    this.logFile = logFile
    this.#program = program
    this.#onDeath = onDeath
  }

  /** `PROGRAM --home … ARGS`. Throws CommandError unless it ends with 0. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand([this.#program, '--home', this.home, ...args], options)
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined
  }

  /** `PROGRAM run`. The log goes on where it was. */
  start(): void {
    if (this.running) throw new Error(`${this.title} runs already`)
    mkdirSync(dirname(this.logFile), { recursive: true })
    const log = openSync(this.logFile, 'a')
    this.#logStart = statSync(this.logFile).size
    this.#dismissed = false
    // In a process group of its own: Ctrl-C is for the demonstration, which then ends what it has started in good order.
    const child = spawn(this.#program, ['--home', this.home, 'run'], { detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    this.#ended = ended(child)
    void this.#ended.then((ending) => this.#report(child, ending))
  }

  #report(child: ChildProcess, ending: Ending): void {
    if (this.#dismissed || child !== this.#child) return
    const { title } = this
    const lastWords = this.lastWords().join('\n')
    this.#onDeath(new ProcessEndedError({ title, how: howText(ending), lastWords, logFile: typed(this.logFile) }))
  }

  /** Indented, since its last start. */
  lastWords(): string[] {
    const lines = logTail(this.logFile, this.#logStart)
    return (lines.length === 0 ? ['(nothing)'] : lines).map((line) => `  ${line}`)
  }

  /** As a service manager would. Answers what was not as it should be, one line each. */
  async stop(): Promise<string[]> {
    if (!this.running) return []
    this.#dismissed = true
    this.#child?.kill('SIGTERM')
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs)
    try {
      const ending = await this.#ended
      return ending === undefined || ending.code === 0 ? [] : [`${this.title} stopped with ${howText(ending)}`]
    } finally {
      clearTimeout(timer)
    }
  }

  /** SIGKILL. What it has started is left to its fate, as after a crash. */
  async crash(): Promise<void> {
    this.#dismissed = true
    this.#child?.kill('SIGKILL')
    await this.#ended
  }
}

function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

function howText({ code, signal, error }: Ending): string {
  if (error !== undefined) return error.message
  return signal === null ? `exit code ${code}` : signal
}
