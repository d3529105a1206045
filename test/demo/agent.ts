import { connectControl } from '@spansync/agent/control/client'
import { readRunInfo } from '@spansync/agent/control/endpoint'
import { NotRunningError } from '@spansync/agent/control/errors'
import type { Status } from '@spansync/common/protocol/status'
import { type DemoPlaces, type NodeName, program } from './places.ts'
import { DemoProcess, type DemoProcessOptions } from './process.ts'

export interface DemoAgentOptions {
  readonly name: NodeName
  readonly places: DemoPlaces
  readonly onDeath: DemoProcessOptions['onDeath']
}

/** One of the three agents. */
export class DemoAgent extends DemoProcess {
  readonly name: NodeName
  readonly documents: string

  constructor({ name, places, onDeath }: DemoAgentOptions) {
    super({
      title: `the agent of ${name}`,
      program: program('spansync'),
      home: places.home(name),
      logFile: places.log(name),
      onDeath,
    })
    this.name = name
    this.documents = places.documents(name)
  }

  /** Throws while it does not answer yet. */
  status(signal?: AbortSignal): Promise<Status> {
    return connectControl(this.home).status(signal)
  }

  watchStatus(signal: AbortSignal): AsyncGenerator<Status> {
    return connectControl(this.home).watch(signal)
  }

  /** Of whoever answers there, started by whomever; a killed one leaves the note with its pid behind. */
  async pidInHome(): Promise<number | undefined> {
    const pid = readRunInfo(this.home)?.pid
    if (pid === undefined) return undefined
    try {
      return (await this.status(AbortSignal.timeout(5000))).pid ?? pid
    } catch (error) {
      // Any other answer, and none in time, comes from something that runs.
      return error instanceof NotRunningError ? undefined : pid
    }
  }
}
