import { appendFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peerSettings, writePeer } from '@spansync/agent/cli/peer-edit'
import { connectControl } from '@spansync/agent/control/client'
import { loadIdentity } from '@spansync/agent/transport/identity'
import { editConfig } from '@spansync/common/config/edit'
import type { Status } from '@spansync/common/protocol/status'
import type { AgentStatus, FolderStatus } from './agent-status.ts'
import type { CommandOptions, CommandResult } from './command.ts'
import type { LabNode, LabProcess } from './lab-node.ts'
import { commandLine, measureTree, type ProcessInfo, processTree, sendSignal, type Usage } from './processes.ts'
import { until } from './until.ts'

/** SPANSYNC_BIN tests another build. */
const program = process.env.SPANSYNC_BIN ?? fileURLToPath(new URL('../../node_modules/.bin/spansync', import.meta.url))

export interface SpansyncOptions {
  /** Several agents can live on one machine; each needs its own. */
  readonly instance?: string
  readonly port?: number
  readonly folderPath?: string
  /** Default false. */
  readonly discovers?: boolean
  /** For every command of this agent; PATH for example. */
  readonly env?: NodeJS.ProcessEnv
}

export interface KnownPeer {
  readonly name: string
  readonly id: string
  /** None: a peer that dials us. */
  readonly addresses: readonly string[]
}

/** One Spansync agent on a machine of the lab, driven by its command line. Only what is asked again and again goes to its socket: a
 *  command costs a tenth of a second and more of a core. */
export class SpansyncNode {
  readonly machine: LabNode
  readonly home: string
  readonly folderPath: string
  readonly port: number
  env: NodeJS.ProcessEnv
  /** Whether it looks for its peers on the local network. */
  readonly discovers: boolean
  private readonly daemons: LabProcess[] = []
  private fingerprint: Promise<string> | undefined

  constructor(
    machine: LabNode,
    { instance = 'spansync', port = 4711, folderPath, discovers = false, env = {} }: SpansyncOptions = {},
  ) {
    this.machine = machine
    this.home = join(machine.directory, instance)
    this.folderPath = folderPath ?? machine.folderPath
    this.port = port
    this.discovers = discovers
    this.env = { SPANSYNC_HOME: this.home, ...env }
    mkdirSync(this.folderPath, { recursive: true })
  }

  get name(): string {
    return this.machine.name
  }

  /** `spansync ARGS`; throws CommandError when it does not end with 0, unless told not to. */
  command(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.machine.exec([program, ...args], { ...options, env: { ...this.env, ...options.env } })
  }

  /** The same, for commands that are to fail. */
  attempt(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.command(args, { ...options, check: false })
  }

  /** SPANSYNC_LAB_DEBUG=1 makes the daemon tell more. */
  async init(): Promise<void> {
    await this.command(['init', '--name', this.name, '--listen', `0.0.0.0:${this.port}`])
    // The graph says who dials whom, and nothing but that is counted on its links.
    if (!this.discovers) appendFileSync(join(this.home, 'config.yaml'), '\ndiscovery: false\n')
    if (process.env.SPANSYNC_LAB_DEBUG !== undefined) this.tellMore()
  }

  /** Of the next daemon everything is logged. */
  tellMore(): void {
    appendFileSync(join(this.home, 'config.yaml'), '\nadvanced:\n  logLevel: debug\n')
  }

  /** The fingerprint that peers pin; asked for once. */
  id(): Promise<string> {
    this.fingerprint ??= loadIdentity(this.home).then(({ id }) => id)
    return this.fingerprint
  }

  /** Without an address: a peer that dials us. */
  async addPeer(peer: string, id: string, address?: string, ...flags: readonly string[]): Promise<void> {
    await this.command(['peer', 'add', peer, ...(address === undefined ? [] : [address]), '--id', id, ...flags])
  }

  /** The same for many, and without the tenth of a second that each command costs. Before the agent runs. */
  async knowPeers(peers: readonly KnownPeer[]): Promise<void> {
    await editConfig(this.home, (editor) => {
      for (const { name, id, addresses } of peers) writePeer(editor, name, peerSettings(name, addresses, { id }))
    })
  }

  async addFolder(id: string, path = this.folderPath, ...flags: string[]): Promise<void> {
    await this.command(['folder', 'add', id, path, ...flags])
  }

  /** Starts the daemon and waits until it answers. */
  async start(deadlineMs = 20_000): Promise<void> {
    const daemon = this.launch()
    await until(
      async () => {
        if (!daemon.alive) return 'ended'
        await this.glance()
        return 'answers'
      },
      { deadlineMs, intervalMs: 20, what: () => `the agent on ${this.name} answers\n${daemon.output()}` },
    )
    if (!daemon.alive) throw new Error(`the agent on ${this.name} ended at once\n${daemon.output()}`)
  }

  /** Starts the daemon without waiting for anything. */
  launch(): LabProcess {
    if (this.daemon?.alive) throw new Error(`the agent on ${this.name} already runs`)
    const daemon = this.machine.spawn([program, 'run'], { env: this.env, logName: 'agent' })
    this.daemons.push(daemon)
    return daemon
  }

  private get daemon(): LabProcess | undefined {
    return this.daemons.at(-1)
  }

  get alive(): boolean {
    return this.daemon?.alive ?? false
  }

  /** What the daemon has said since its last start. */
  output(): string {
    return this.daemon?.output() ?? ''
  }

  /** The last lines of the last daemons, shortened. For a failed test. */
  logTails(lines = 15): string {
    const tail = ({ logFile, output }: LabProcess): string => {
      const last = output().trimEnd().split('\n').slice(-lines)
      return [`--- ${this.name}: ${logFile}`, ...last.map((line) => line.slice(0, 400))].join('\n')
    }
    return this.daemons.slice(-2).map(tail).join('\n')
  }

  /** The same as `status` says, from the socket. */
  glance(): Promise<Status> {
    return connectControl(this.home).status()
  }

  async status(): Promise<AgentStatus> {
    return JSON.parse((await this.command(['status', '--json'])).stdout) as AgentStatus
  }

  async folder(id = 'f'): Promise<FolderStatus> {
    const folder = (await this.status()).folders.find((candidate) => candidate.id === id)
    if (folder === undefined) throw new Error(`${this.name} does not know the folder ${id}`)
    return folder
  }

  sync(timeoutSeconds = 60): Promise<CommandResult> {
    return this.attempt(['sync', '--wait', '--timeout', `${timeoutSeconds}s`], {
      timeoutMs: timeoutSeconds * 1000 + 20_000,
    })
  }

  /** Ends it as a service manager would, and waits. */
  async stop(deadlineMs = 15_000): Promise<void> {
    const { daemon } = this
    if (!daemon?.alive) return
    daemon.signal('SIGTERM')
    await until(() => !daemon.alive, { deadlineMs, what: () => `the agent on ${this.name} stops\n${daemon.output()}` })
    await daemon.killTree()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** SIGKILL to the agent itself and to what wraps it; Unison and other children are left to their fate, as after a crash. */
  async crash(): Promise<void> {
    const { daemon } = this
    if (!daemon?.alive) return
    const agent = this.agentPid()
    sendSignal(agent, 'SIGKILL')
    if (daemon.pid !== agent) daemon.signal('SIGKILL')
    await daemon.exited
  }

  /** The daemon's process itself: the lowest one called with `run`, below any wrapper that picks the right Node. */
  agentPid(): number {
    if (this.daemon === undefined) throw new Error(`the agent on ${this.name} was never started`)
    const wrappers = this.tree().filter(({ pid }) => commandLine(pid).includes('run'))
    return wrappers.at(-1)?.pid ?? this.daemon.pid
  }

  /** The agent and all its children. */
  tree(all?: readonly ProcessInfo[]): ProcessInfo[] {
    return this.daemon === undefined ? [] : processTree(this.daemon.pid, all)
  }

  usage(): Usage {
    if (this.daemon === undefined) throw new Error(`the agent on ${this.name} was never started`)
    return measureTree(this.daemon.pid, this.agentPid())
  }

  static get built(): boolean {
    return existsSync(program)
  }
}
