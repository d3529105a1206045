import { join } from 'node:path'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { DemoNetwork } from './network.ts'
import { type DemoPlaces, type NodeName, nodeNames, typed, typedProgram } from './places.ts'
import type { Terminal } from './terminal.ts'

/** What this is, where its folders are, and who coordinates: the plan, or why nobody does. */
export function printWelcome({ print, paint }: Terminal, places: DemoPlaces, plan: readonly string[]): void {
  print('Three agents run on this machine, laptop — server — desktop, joined by TLS links, with one folder in common:')
  print(`  ${nodeNames.map((name) => paint('bold', typed(places.documents(name)))).join('   ')}`)
  for (const line of plan) print(line)
}

export function obstacleLines({ message, remedy }: SpansyncError, { paint }: Terminal): string[] {
  return [`${paint('yellow', 'Nobody coordinates, all sync directly:')} ${message}`, `  ${paint('cyan', remedy)}`]
}

/** What to try, with commands to copy. */
export function printTrials({ print, paint }: Terminal, places: DemoPlaces, { coordinator }: DemoNetwork): void {
  const file = (node: NodeName, name: string): string => typed(join(places.documents(node), name))
  const spansync = (node: NodeName, command: string): string =>
    `${typedProgram('spansync')} --home ${typed(places.home(node))} ${command}`
  const coordinate = (command: string): string => coordinatorCommand(places, command)
  print('Try this in another terminal, in the same directory:')
  for (const line of [
    `echo hello > ${file('laptop', 'hello.txt')}`,
    `mv ${file('desktop', 'hello.txt')} ${file('desktop', 'greeting.txt')}`,
    `echo one > ${file('laptop', 'both.txt')}; echo two > ${file('desktop', 'both.txt')}   # a conflict`,
    `rm ${file('server', 'greeting.txt')}`,
    spansync('laptop', 'status'),
    spansync('desktop', 'conflicts'),
    ...(coordinator.pid === undefined
      ? []
      : [
          coordinate('plan   # or status'),
          coordinate('mode decentralised   # and centralised again'),
          `kill ${coordinator.pid}   # no coordinator: edit, see it arrive all the same, then bring it back:`,
          coordinate('run'),
        ]),
  ]) {
    print(`  ${paint('cyan', line)}`)
  }
  print('Ctrl-C ends it. What happens, with the time until each replica has it:')
  print()
}

export function coordinatorCommand(places: DemoPlaces, command: string): string {
  return `${typedProgram('spansync-coordinator')} --home ${typed(places.coordinatorHome)} ${command}`
}
