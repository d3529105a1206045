import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FolderPlan, Overview } from '@spansync/common/protocol/overview'
import type { CommandOptions, CommandResult } from './command.ts'
import type { LabNode, LabProcess } from './lab-node.ts'
import type { ManagementNet } from './management.ts'
import { commandLine, measureTree, sendSignal, type Usage } from './processes.ts'
import type { SpansyncNode } from './spansync-node.ts'
import { until } from './until.ts'

/** SPANSYNC_COORDINATOR_BIN tests another build. */
const program =
  process.env.SPANSYNC_COORDINATOR_BIN ??
  fileURLToPath(new URL('../../node_modules/.bin/spansync-coordinator', import.meta.url))

export type Mode = 'centralised' | 'decentralised'

export interface CoordinatorOptions {
  /** Several coordinators can live on one machine; each needs its own. It is its name, too. */
  readonly instance?: string
  readonly port?: number
  /** A NATS server of somebody else's; default: it runs one itself. */
  readonly nats?: { readonly url: string; readonly certFile: string }
  /** Default: SQLite in its home. */
  readonly store?: string
}

/** What a line of its log says. */
export interface LogLine {
  readonly event?: string
  readonly [field: string]: unknown
}

/** One coordinator on a machine of the lab, driven by its command line alone. */
export class CoordinatorNode implements AsyncDisposable {
  readonly machine: LabNode
  readonly network: ManagementNet
  readonly home: string
  readonly name: string
  readonly port: number
  private readonly options: CoordinatorOptions
  private readonly daemons: LabProcess[] = []

  constructor(network: ManagementNet, options: CoordinatorOptions = {}) {
    const { instance = 'coordinator', port = 22071 } = options
    this.machine = network.hub
    this.network = network
    this.home = join(this.machine.directory, instance)
    this.name = instance
    this.port = port
    this.options = options
  }

  /** `spansync-coordinator ARGS`; throws CommandError when it does not end with 0, unless told not to. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.machine.exec([program, ...args], { ...options, env: { ...this.env, ...options.env } })
  }

  /** The same, for commands that are to fail. */
  attempt(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.command(args, { ...options, check: false })
  }

  private get env(): NodeJS.ProcessEnv {
    return { SPANSYNC_COORDINATOR_HOME: this.home }
  }

  async init(): Promise<void> {
    const { nats, store } = this.options
    const hosts = this.network.addresses.flatMap((address) => ['--host', address])
    const server = nats === undefined ? [] : ['--nats', nats.url, '--nats-cert', nats.certFile]
    const kept = store === undefined ? [] : ['--store', store]
    await this.command(['init', '--name', this.name, '--listen', `0.0.0.0:${this.port}`, ...hosts, ...server, ...kept])
  }

  /** Its own key for NATS. */
  get credentialsFile(): string {
    return join(this.home, 'nats.json')
  }

  /** Registers the agent and answers the file with its credentials. */
  async addNode(agent: SpansyncNode, fileName = `${this.name}.creds`): Promise<string> {
    const file = join(agent.home, fileName)
    await this.command(['nodes', 'add', agent.name, '--id', await agent.id(), '--out', file])
    return file
  }

  /** Where NATS is, as seen from the node. */
  urlFor(node: string): string {
    return `tls://${this.network.addressFor(node)}:${this.port}`
  }

  /** Registers the agent and tells it to follow. */
  async enlist(agent: SpansyncNode): Promise<void> {
    const file = await this.addNode(agent)
    await agent.command(['coordinator', 'set', this.urlFor(agent.name), '--creds', file])
  }

  /** Starts it and waits until it is up, whether it leads or not. */
  async start(deadlineMs = 20_000): Promise<void> {
    const daemon = this.launch()
    await until(() => !daemon.alive || this.said('coordinator.started'), {
      ...{ deadlineMs, what: () => `the coordinator ${this.name} starts\n${daemon.output()}` },
    })
    if (!daemon.alive) throw new Error(`the coordinator ${this.name} ended at once\n${daemon.output()}`)
  }

  /** Starts it without waiting for anything. */
  launch(): LabProcess {
    if (this.alive) throw new Error(`the coordinator ${this.name} already runs`)
    mkdirSync(this.home, { recursive: true })
    const daemon = this.machine.spawn([program, 'run'], { env: this.env, logName: this.name })
    this.daemons.push(daemon)
    return daemon
  }

  get alive(): boolean {
    return this.daemon?.alive ?? false
  }

  private get daemon(): LabProcess | undefined {
    return this.daemons.at(-1)
  }

  private get pid(): number {
    if (this.daemon === undefined) throw new Error(`the coordinator ${this.name} was never started`)
    return this.daemon.pid
  }

  /** Of the nats-server that it runs; undefined when there is none. */
  natsPid(): number | undefined {
    const file = join(this.home, 'nats', 'nats-server.pid')
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN
    const isOurs = commandLine(pid).includes(join(this.home, 'nats', 'nats.conf'))
    return isOurs ? pid : undefined
  }

  /** SIGKILL to the coordinator alone; its nats-server lives on. */
  async crash(): Promise<void> {
    this.daemon?.signal('SIGKILL')
    await this.daemon?.exited
  }

  /** SIGKILL to its nats-server. */
  async crashNats(): Promise<void> {
    const pid = this.natsPid()
    if (pid === undefined) return
    sendSignal(pid, 'SIGKILL')
    await until(() => this.natsPid() !== pid, { deadlineMs: 5000, what: `nats-server ${pid} ends` })
  }

  /** It keeps its connections and answers nobody, until `resume`. */
  hang(): void {
    this.daemon?.signal('SIGSTOP')
  }

  resume(): void {
    this.daemon?.signal('SIGCONT')
  }

  /** Ends it as a service manager would, its nats-server with it, and waits. */
  async stop(deadlineMs = 15_000): Promise<void> {
    const { daemon } = this
    if (!daemon?.alive) return
    daemon.signal('SIGTERM')
    daemon.signal('SIGCONT')
    await until(() => !daemon.alive, { deadlineMs, what: () => `${this.name} stops\n${daemon.output()}` })
  }

  /** As whoever leads sees it. */
  async status(): Promise<Overview> {
    return JSON.parse((await this.command(['status', '--json'])).stdout) as Overview
  }

  /** Waits until somebody leads: after a leader's death that takes as long as its lease. */
  leads(deadlineMs = 15_000): Promise<Overview> {
    const what = (): string => `a coordinator leads\n${this.logTails()}`
    return until(() => this.status(), { deadlineMs, intervalMs: 100, what })
  }

  async plan(folder = 'f'): Promise<FolderPlan> {
    const { stdout } = await this.command(['plan', folder, '--json'])
    const [plan] = (JSON.parse(stdout) as Pick<Overview, 'plans'>).plans
    if (plan === undefined) throw new Error(`there is no plan for ${folder}`)
    return plan
  }

  async setMode(mode: Mode): Promise<void> {
    await this.command(['mode', mode])
  }

  /** cheapest, balanced, fastest, or a number between 0 and 1. */
  async setObjective(objective: string): Promise<void> {
    await this.command(['objective', objective])
  }

  /** What it has logged since its last start. */
  log(): LogLine[] {
    const lines = this.daemon?.output().split('\n') ?? []
    return lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map((line) => JSON.parse(line) as LogLine)
  }

  said(event: string): boolean {
    return this.log().some((line) => line.event === event)
  }

  usage(): Usage {
    return measureTree(this.pid, this.pid)
  }

  /** The last lines of the last daemons, shortened. For a failed test. */
  logTails(lines = 15): string {
    const tail = ({ logFile, output }: LabProcess): string => {
      const last = output().trimEnd().split('\n').slice(-lines)
      return [`--- ${this.name}: ${logFile}`, ...last.map((line) => line.slice(0, 400))].join('\n')
    }
    return this.daemons.slice(-2).map(tail).join('\n')
  }

  /** Everything needed to understand a failure. */
  async report(): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(['status', '--json'])
    return [code === 0 ? JSON.stringify(JSON.parse(stdout)) : stderr, this.logTails()].join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(5000).catch(() => this.crash())
    await this.crashNats()
  }
}
