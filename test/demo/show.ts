import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { claim } from './directory.ts'
import { ChangeView } from './live/show-changes.ts'
import { showTroubles } from './live/troubles.ts'
import { DemoNetwork } from './network.ts'
import type { DemoPlaces } from './places.ts'
import { setUp } from './set-up.ts'
import { aborted } from './stop-signal.ts'
import type { Terminal } from './terminal.ts'
import { printWelcome } from './welcome.ts'

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
    signal.throwIfAborted()
    using changes = new ChangeView(network, terminal)
    await network.start(signal)
    printWelcome(terminal, places)
    changes.show()
    using troubles = showTroubles(network, terminal)
    void troubles
    if (made === 'new') writeFileSync(join(places.documents('server'), 'welcome.txt'), 'This file is on all three.\n')
    await aborted(AbortSignal.any([signal, network.failed]))
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (network.failed.aborted) throw network.failed.reason
  terminal.print('\nStopping the agents.')
  const faults = await network.stop()
  for (const fault of faults) terminal.print(fault)
  return faults.length === 0 ? 0 : 1
}
