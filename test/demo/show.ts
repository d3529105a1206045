import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { claim } from './directory.ts'
import { ChangeView } from './live/show-changes.ts'
import { ModeView } from './live/show-modes.ts'
import { showTroubles } from './live/troubles.ts'
import { DemoNetwork } from './network.ts'
import type { DemoPlaces } from './places.ts'
import { planLines } from './plan-text.ts'
import { setUp } from './set-up.ts'
import { coordinatorObstacle, setUpCoordinator } from './set-up-coordinator.ts'
import { aborted } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'
import { coordinatorCommand, obstacleLines, printTrials, printWelcome } from './welcome.ts'

export interface RunOptions {
  readonly places: DemoPlaces
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** The network until Ctrl-C, with a line for each change. Answers the exit code; throws when an agent ends by itself. */
export async function runShow({ places, terminal, signal }: RunOptions): Promise<number> {
  claim(places)
  await using network = new DemoNetwork(places)
  try {
    terminal.print('Starting the demonstration network …')
    const made = await setUp(places, network)
    const obstacle = await coordinatorObstacle()
    if (obstacle === undefined) await setUpCoordinator(places, network)
    signal.throwIfAborted()
    using changes = new ChangeView(network, terminal)
    await network.start({ coordinated: obstacle === undefined, signal })
    const plan = obstacle ? obstacleLines(obstacle, terminal) : planLines(await network.planned(signal))
    printWelcome(terminal, places, plan)
    printTrials(terminal, places, network)
    network.letCoordinatorEnd((how) => tellEnd({ places, terminal, how }))
    changes.show()
    using _troubles = showTroubles(network, terminal)
    using _modes = new ModeView(network, terminal)
    if (made === 'new') writeFileSync(join(places.documents('server'), 'welcome.txt'), 'This file is on all three.\n')
    await aborted(AbortSignal.any([signal, network.failed]))
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (network.failed.aborted) throw network.failed.reason
  return await end(network, terminal)
}

function tellEnd({ places, terminal, how }: Omit<RunOptions, 'signal'> & { readonly how: string }): void {
  const { print, paint } = terminal
  const remedy = `to have it back: ${coordinatorCommand(places, 'run')}`
  print(`${paint('yellow', `the coordinator has ended (${how})`)} ${paint('dim', `(${remedy})`)}`)
}

async function end(network: DemoNetwork, { print }: Terminal): Promise<number> {
  print('\nStopping all that was started.')
  const faults = await network.stop()
  for (const fault of faults) print(fault)
  if (network.coordinator.isHeld) print('The coordinator that you have started goes on: end it there with Ctrl-C.')
  return faults.length === 0 ? 0 : 1
}
