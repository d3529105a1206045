import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { holdExclusively } from '@spansync/common/adapters/exclusive'
import { type Overview, overviewSchema } from '@spansync/common/protocol/overview'
import { systemClock } from '@spansync/common/runtime/clock'
import { natsDirectory } from '@spansync/coordinator/config/load'
import { serverFiles } from '@spansync/coordinator/nats/server-files'
import { findProcess, type ServerProcess, sendSignal, stopProcess } from '@spansync/coordinator/nats/server-process'
import { commandLine } from '../lab/processes.ts'
import { until } from '../lab/until.ts'
import { type DemoPlaces, program } from './places.ts'
import { DemoProcess, type DemoProcessOptions } from './process.ts'

const endMs = 30_000

/** The coordinator, with the nats-server that it runs. */
export class DemoCoordinator extends DemoProcess {
  constructor(places: DemoPlaces, onDeath: DemoProcessOptions['onDeath']) {
    super({
      title: 'the coordinator',
      program: program('spansync-coordinator'),
      home: places.coordinatorHome,
      logFile: places.coordinatorLog,
      onDeath,
    })
  }

  override start(): void {
    super.start()
    if (this.pid !== undefined) writeFileSync(this.#pidFile, String(this.pid))
  }

  get #pidFile(): string {
    return `${this.home}.pid`
  }

  /** Somebody coordinates in this home, whoever started it. */
  get isHeld(): boolean {
    if (!existsSync(this.home)) return false
    const held = holdExclusively(join(this.home, 'coordinator.lock'))
    held?.[Symbol.dispose]()
    return held === undefined
  }

  /** Of the last one that a demonstration has started; undefined when it has ended. */
  get pidInHome(): number | undefined {
    const pid = existsSync(this.#pidFile) ? Number(readFileSync(this.#pidFile, 'utf8')) : 0
    // Somebody will be told to kill it, and its number may be another's by now.
    const isIt = process.platform === 'linux' ? commandLine(pid).includes(this.home) : isAlive(pid)
    return isIt ? pid : undefined
  }

  /** What `status` says of the whole network. Throws CommandError while nobody leads. */
  async overview(): Promise<Overview> {
    const { stdout } = await this.command(['status', '--json'])
    return overviewSchema.parse(JSON.parse(stdout))
  }

  async natsServer(): Promise<ServerProcess | undefined> {
    const { pidFile, configFile } = serverFiles(natsDirectory(this.home))
    return await findProcess(pidFile, { configFile, clock: systemClock })
  }

  /** Also the nats-server that a killed one has left behind, unless another coordinator has taken it over. */
  override async stop(): Promise<string[]> {
    const wasRunning = this.running
    const faults = await super.stop()
    const left = this.isHeld ? undefined : await this.natsServer()
    if (left === undefined) return faults
    await stopProcess(left, systemClock)
    return wasRunning ? [...faults, `the coordinator left its nats-server behind (process ${left.pid})`] : faults
  }

  /** SIGKILL to it and to its nats-server, as when the machine loses its power. */
  override async crash(): Promise<void> {
    const server = await this.natsServer()
    if (server === undefined) throw new Error('there is no nats-server to kill')
    await super.crash()
    sendSignal(server.pid, 'SIGKILL')
    await until(async () => !(await server.isRunning()), { deadlineMs: endMs, what: `nats-server ${server.pid} ends` })
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}
