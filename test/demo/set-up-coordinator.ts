import { rmSync } from 'node:fs'
import { parseHostPort } from '@spansync/common/config/values'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { loadConfig } from '@spansync/coordinator/config/load'
import { NatsServerMissingError } from '@spansync/coordinator/nats/errors'
import { findNatsServer } from '@spansync/coordinator/nats/find-program'
import { isCoordinatorReady, mark } from './directory.ts'
import { NoNatsServerError } from './errors.ts'
import type { DemoNetwork } from './network.ts'
import type { DemoPlaces } from './places.ts'
import { freePorts, host, isFree } from './ports.ts'
import { idOf } from './set-up.ts'

/** Why there can be no coordinator on this machine. */
export function coordinatorObstacle(): Promise<SpansyncError | undefined> {
  return findNatsServer().then(
    () => undefined,
    (error: unknown) =>
      error instanceof NatsServerMissingError ? new NoNatsServerError(error) : toSpansyncError(error),
  )
}

/** Makes the coordinator on the machine `server` and gives every agent its credentials, with the commands that a person would type; or uses
 *  that of the last time. The agents must be set up. */
export async function setUpCoordinator(places: DemoPlaces, network: DemoNetwork): Promise<void> {
  if (isCoordinatorReady(places) && (await hasItsPort(places))) return
  mark(places, { ready: true })
  rmSync(places.coordinatorHome, { recursive: true, force: true })
  const { coordinator, agents } = network
  const [port] = await freePorts(1)
  const listen = `${host}:${port}`
  await coordinator.command(['init', '--name', 'server', '--listen', listen, '--host', host])
  await Promise.all(
    agents.map(async (agent) => {
      const file = places.credentials(agent.name)
      await coordinator.command(['nodes', 'add', agent.name, '--id', await idOf(agent), '--out', file])
      await agent.command(['coordinator', 'set', `tls://${listen}`, '--creds', file])
    }),
  )
  mark(places, { ready: true, coordinator: true })
}

/** Since the last time somebody else may have taken the port. */
async function hasItsPort({ coordinatorHome }: DemoPlaces): Promise<boolean> {
  const address = parseHostPort(loadConfig(coordinatorHome).listen)
  return address !== undefined && (await isFree(address.port))
}
