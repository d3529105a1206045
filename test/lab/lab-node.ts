import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandOptions, type CommandResult, runCommand } from './command.ts'
import type { Namespace } from './namespace.ts'
import { isAlive, killAll, processTree, sendSignal } from './processes.ts'

export interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Stem of the file that gets stdout and stderr. Default: the program's name. */
  readonly logName?: string
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs inside a node, its output in a file. */
export interface LabProcess extends AsyncDisposable {
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Ended>
  readonly alive: boolean
  output(): string
  signal(signal: NodeJS.Signals): void
  /** SIGKILL to it and everything below it. */
  killTree(): Promise<void>
}

/** One machine of the lab: its own network, home and folder; the file system is the host's. */
export class LabNode {
  readonly name: string
  readonly directory: string
  readonly home: string
  readonly folderPath: string
  readonly namespace: Namespace
  private readonly started: LabProcess[] = []
  private logs = 0

  constructor(name: string, labDirectory: string, namespace: Namespace) {
    this.name = name
    this.namespace = namespace
    this.directory = join(labDirectory, name)
    this.home = join(this.directory, 'home')
    this.folderPath = join(this.directory, 'f')
    for (const path of [this.home, this.folderPath]) mkdirSync(path, { recursive: true })
  }

  /** The environment of a fresh login; nothing of the test runner's leaks in. */
  environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { PATH, TERM, LANG, TZ } = process.env
    return { PATH, TERM, TZ, LANG: LANG ?? 'C.UTF-8', HOME: this.home, USER: 'root', ...extra }
  }

  exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const env = this.environment(options.env)
    return runCommand([...this.namespace.prefix, ...argv], { cwd: this.directory, ...options, env })
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    this.logs += 1
    const stem = options.logName ?? argv[0]?.split('/').at(-1) ?? 'program'
    const logFile = join(this.directory, `${stem}.${this.logs}.log`)
    const log = openSync(logFile, 'a')
    const [program = '', ...rest] = [...this.namespace.prefix, ...argv]
    const child = spawn(program, rest, {
      cwd: options.cwd ?? this.directory,
      env: this.environment(options.env),
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    const { pid } = child
    if (pid === undefined) throw new Error(`${argv.join(' ')} could not be started on ${this.name}`)
    const exited = once(child, 'exit').then(([code, signal]): Ended => ({ code, signal }))
    const killTree = (): Promise<void> => killAll(() => processTree(pid))
    const started: LabProcess = {
      pid,
      logFile,
      exited,
      get alive() {
        return child.exitCode === null && child.signalCode === null && isAlive(pid)
      },
      output: () => readFileSync(logFile, 'utf8'),
      signal: (signal) => void sendSignal(pid, signal),
      killTree,
      [Symbol.asyncDispose]: killTree,
    }
    this.started.push(started)
    return started
  }

  /** Programs started here that still run, newest first. */
  running(): LabProcess[] {
    return this.started.filter((program) => program.alive).reverse()
  }
}
