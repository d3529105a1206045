import { join } from 'node:path'
import { type DemoPlaces, type NodeName, nodeNames, typed, typedProgram } from './places.ts'
import type { Terminal } from './terminal.ts'

/** What this is and what to try, with commands to copy. */
export function printWelcome({ print, paint }: Terminal, places: DemoPlaces): void {
  const file = (node: NodeName, name: string): string => typed(join(places.documents(node), name))
  const spansync = (node: NodeName, command: string): string =>
    `${typedProgram()} --home ${typed(places.home(node))} ${command}`
  print('Three agents run on this machine, laptop — server — desktop, joined by TLS links, with one folder in common:')
  print(`  ${nodeNames.map((name) => paint('bold', typed(places.documents(name)))).join('   ')}`)
  print('Try this in another terminal, in the same directory:')
  for (const line of [
    `echo hello > ${file('laptop', 'hello.txt')}`,
    `mv ${file('desktop', 'hello.txt')} ${file('desktop', 'greeting.txt')}`,
    `echo one > ${file('laptop', 'both.txt')}; echo two > ${file('desktop', 'both.txt')}   # a conflict`,
    `rm ${file('server', 'greeting.txt')}`,
    spansync('laptop', 'status'),
    spansync('desktop', 'conflicts'),
  ]) {
    print(`  ${paint('cyan', line)}`)
  }
  print('Ctrl-C ends it. What happens, with the time until each replica has it:')
  print()
}
