import { formatBytes, formatMs, plural } from '@spansync/common/cli/format'
import { messageOf } from '@spansync/common/runtime/errors'
import type { Tree } from '../../lab/tree.ts'
import { claim, empty } from '../directory.ts'
import { DemoNetwork } from '../network.ts'
import { typed } from '../places.ts'
import { planLines } from '../plan-text.ts'
import { refuseRunning, setUp } from '../set-up.ts'
import { coordinatorObstacle, setUpCoordinator } from '../set-up-coordinator.ts'
import type { RunOptions } from '../show.ts'
import type { Terminal } from '../terminal.ts'
import { Stage } from './stage.ts'
import type { Step } from './step.ts'
import { steps } from './steps.ts'
import { StepTable } from './table.ts'

/** Tries everything out in a fresh network. Answers the exit code: 0 when every replica was right after every step. */
export async function runCheck({ places, terminal, signal }: RunOptions): Promise<number> {
  const start = performance.now()
  const obstacle = await coordinatorObstacle()
  if (obstacle !== undefined) throw obstacle
  claim(places)
  await using network = new DemoNetwork(places)
  await refuseRunning(network)
  empty(places)
  terminal.print(`A fresh network in ${typed(places.root)}: the agents laptop — server — desktop, and a coordinator.`)
  await setUp(places, network)
  await setUpCoordinator(places, network)
  await network.start({ coordinated: true, signal })
  await network.following({ connected: true, effective: 'centralised' }, signal)
  for (const line of planLines(await network.planned(signal))) terminal.print(line)
  terminal.print(
    `It runs, and all follow the coordinator, after ${formatMs(performance.now() - start)}. What is changed, by whom, how many`,
  )
  terminal.print('paths, and the time until all three replicas are equal, which is then verified byte for byte:\n')
  const stage = new Stage({ network, places, signal })
  const table = new StepTable(terminal, steps)
  table.head()
  for (const step of steps) if (!(await attempt(step, { stage, table, terminal }))) return 1
  return await conclude({ stage, table, terminal, start })
}

interface Scene {
  readonly stage: Stage
  readonly table: StepTable
  readonly terminal: Terminal
}

async function attempt(step: Step, { stage, table, terminal }: Scene): Promise<boolean> {
  try {
    const before = performance.now()
    const start = (await step.act(stage)) ?? before
    const paths = stage.changed.length
    const ms = (await stage.settle()) - start
    await stage.calm()
    await step.after?.(stage)
    table.passed(step, { paths, ms })
    return true
  } catch (error) {
    if (stage.signal.aborted) throw stage.signal.reason
    table.failed(step)
    explain(error, stage, terminal)
    terminal.print(`\n${terminal.paint('red', 'FAILED')} at “${step.name}”.`)
    return false
  }
}

function explain(error: unknown, { network }: Stage, { print }: Terminal): void {
  print(`\n${messageOf(error)}`)
  for (const daemon of network.processes) {
    print(`\n${daemon.title} said last (all of it: ${typed(daemon.logFile)}):`)
    for (const line of daemon.lastWords()) print(line)
  }
}

/** The agents' own view, and the end of all. */
async function conclude({ stage, table, terminal, start }: Scene & { readonly start: number }): Promise<number> {
  const problems = [...(await complaints(stage)), ...(await stage.network.stop()), ...stage.differences()]
  if (problems.length > 0) {
    for (const problem of problems) terminal.print(`${terminal.paint('red', '✗')} ${problem}`)
    terminal.print(`\n${terminal.paint('red', 'FAILED')} at the end, after all steps.`)
    return 1
  }
  table.note('in the end: no agent reports an error, all report one conflict copy; they, the coordinator and its')
  terminal.print('  nats-server stop cleanly when asked to')
  const size = `${plural(files(stage.wanted).length, 'file')}, ${formatBytes(bytes(stage.wanted))}`
  const verdict = terminal.paint('green', `All ${steps.length} steps passed`)
  terminal.print(`\n${verdict}: every replica was equal byte for byte after each (${size} in the end).`)
  terminal.print(
    `It took ${formatMs(performance.now() - start)}. The network is still there: npm start goes on with it.`,
  )
  return 0
}

async function complaints({ network, signal }: Stage): Promise<string[]> {
  const statuses = await Promise.all(network.agents.map((agent) => agent.status(signal)))
  return statuses.flatMap(({ node, errors = [], folders }) => {
    const said = [...errors, ...folders.flatMap((folder) => folder.errors)]
    const copies = folders.reduce((sum, { conflicts }) => sum + conflicts, 0)
    const wrongCopies = copies === 1 ? [] : [`${node} reports ${plural(copies, 'conflict copy')} instead of one`]
    return [...said.map(({ message }) => `${node} reports: ${message}`), ...wrongCopies]
  })
}

function files(tree: Tree) {
  return [...tree.values()].filter((item) => item.kind === 'file')
}

function bytes(tree: Tree): number {
  return files(tree).reduce((sum, { size }) => sum + size, 0)
}
