/// <reference lib="esnext.disposable" />
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coordinate } from '../lab/coordinate.ts'
import type { CoordinatorNode } from '../lab/coordinator-node.ts'
import { Fleet } from '../lab/fleet.ts'
import { Lab } from '../lab/lab.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { Desk } from './desk.ts'
import { Disk } from './disk.ts'
import type { Ground } from './ground.ts'
import { isTakenIn } from './index-eye.ts'
import { Kept } from './kept.ts'
import { Ledger } from './ledger.ts'

/** The machines of a ground with their agents, a person at each, and perhaps a coordinator. Serves many histories, one after the other. */
export class World implements AsyncDisposable {
  readonly ground: Ground
  readonly fleet: Fleet
  readonly coordinator: CoordinatorNode | undefined
  readonly desks: readonly Desk[]
  readonly disks: readonly Disk[]
  readonly kept: Kept
  /** Of the history that goes on. */
  ledger = new Ledger()
  private readonly stack: AsyncDisposableStack

  private constructor(made: Pick<World, 'ground' | 'fleet' | 'coordinator' | 'disks'>, stack: AsyncDisposableStack) {
    this.ground = made.ground
    this.fleet = made.fleet
    this.coordinator = made.coordinator
    this.disks = made.disks
    this.stack = stack
    this.kept = new Kept(made.fleet.agents.map(({ home }) => join(home, 'versions')))
    this.desks = made.fleet.agents.map((agent, index) => this.deskAt(agent, made.disks[index]))
  }

  static async create(ground: Ground, { logLevel, confine }: WorldOptions): Promise<World> {
    await using stack = new AsyncDisposableStack()
    const lab = stack.use(await Lab.create(ground.graph))
    const disks = ground.hasDisks
      ? await Promise.all(lab.nodes.map((node) => Disk.create(node.directory, node.folderPath)))
      : []
    stack.defer(async () => {
      for (const disk of disks) await disk.dispose()
    })
    const fleet = stack.use(await Fleet.create(lab, { start: false }))
    for (const agent of fleet.agents) {
      const settings = `\nadvanced:\n  logLevel: ${logLevel}\nunison:\n  confine: ${confine}\n`
      appendFileSync(join(agent.home, 'config.yaml'), settings)
    }
    // An agent asks before it believes that everything is gone.
    writeFileSync(join(fleet.agents[0]?.folderPath ?? '', 'stays'), 'so that the folder is never empty\n')
    await Promise.all(fleet.agents.map((agent) => agent.start()))
    await fleet.connected()
    const coordinator = ground.isCoordinated ? stack.use(await coordinate(fleet, 'n0')) : undefined
    await fleet.untilEqual()
    return new World({ ground, fleet, coordinator, disks }, stack.move())
  }

  private deskAt(agent: SpansyncNode, disk: Disk | undefined): Desk {
    return new Desk({
      node: agent.name,
      root: disk?.root ?? agent.folderPath,
      trash: disk?.trash ?? join(agent.machine.directory, 'trash'),
      ledger: () => this.ledger,
      isTakenIn: (path, content) => isTakenIn(indexFileOf(agent), path, content),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]()
  }
}

export interface WorldOptions {
  readonly logLevel: LogLevel
  /** Whether each Unison runs in a jail. */
  readonly confine: boolean
}

/** What sessions there were is told at both. */
export type LogLevel = 'trace' | 'debug'

export const indexFileOf = (agent: SpansyncNode): string => join(agent.home, 'index', 'f.sqlite')
