import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { coordinate, isFollowed, untilFollowed } from './coordinate.ts'
import type { CoordinatorNode, CoordinatorOptions } from './coordinator-node.ts'
import { Fleet, type FleetOptions } from './fleet.ts'
import type { LabGraph } from './graph.ts'
import { Lab } from './lab.ts'

/** A suite that needs network namespaces; where there are none, its name says why it was skipped. */
export function describeLab(name: string, body: () => void): void {
  const availability = Lab.available()
  if (availability.ok) describe(name, body)
  else describe.skip(`${name} (skipped: ${availability.reason})`, body)
}

/** A suite that takes minutes: it runs by hand, with SPANSYNC_LONG=1. */
export function describeLong(name: string, body: () => void): void {
  if (process.env.SPANSYNC_LONG) describeLab(name, body)
  else describe.skip(`${name} (skipped: it takes minutes and runs with SPANSYNC_LONG=1)`, body)
}

/** One fleet for all tests of a suite, made before the first and disposed of after the last. When a test fails, what the replicas
 *  hold and what the agents said is printed. */
export function useFleet(graph: string | LabGraph, options: FleetOptions = {}): () => Fleet {
  let fleet: Fleet | undefined
  const current = (): Fleet => {
    if (fleet === undefined) throw new Error('the fleet was not made')
    return fleet
  }
  beforeAll(async () => {
    fleet = await Fleet.create(graph, options)
  }, 180_000)
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]()
  }, 180_000)
  beforeEach(async ({ onTestFailed }) => {
    onTestFailed(async () => console.error(await current().report()))
    // A failed test may have left a link cut or an agent stopped, and an agent may have died; the next test shall not suffer from it.
    if (options.start !== false) await current().mend()
  }, 180_000)
  return current
}

/** A coordinator on one of the fleet's nodes, for all tests of a suite, that all agents follow when a test begins. */
export function useCoordinator(
  fleet: () => Fleet,
  hub: string,
  options: CoordinatorOptions = {},
): () => CoordinatorNode {
  let coordinator: CoordinatorNode | undefined
  const current = (): CoordinatorNode => {
    if (coordinator === undefined) throw new Error('the coordinator was not made')
    return coordinator
  }
  beforeAll(async () => {
    coordinator = await coordinate(fleet(), hub, options)
  }, 180_000)
  afterAll(async () => {
    await coordinator?.[Symbol.asyncDispose]()
  }, 180_000)
  beforeEach(async ({ onTestFailed }) => {
    onTestFailed(async () => console.error(await current().report()))
    // The test before may have failed with the coordinator dead, or halted, or told to leave all to the agents.
    current().resume()
    await current().network.mend()
    if (!current().alive) await current().start()
    const overview = await current().leads()
    if (overview.mode !== 'centralised') await current().setMode('centralised')
    const names = fleet().agents.map(({ name }) => name)
    if (overview.mode !== 'centralised' || !isFollowed(names, overview)) await untilFollowed(fleet(), current())
  }, 180_000)
  return current
}

/** One lab for all tests of a suite that make agents of their own. */
export function useLab(graph: string | LabGraph): () => Lab {
  let lab: Lab | undefined
  beforeAll(async () => {
    lab = await Lab.create(graph)
  })
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
  }, 180_000)
  return () => {
    if (lab === undefined) throw new Error('the lab was not made')
    return lab
  }
}
