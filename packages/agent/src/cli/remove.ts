import { loadConfig } from '@spansync/common/config/file'
import type { Command } from 'commander'
import { action, type Runner } from './context.ts'
import { unknownName } from './lookup.ts'

export function addRemoveCommand(program: Command, runner: Runner): void {
  program
    .command('remove')
    .description('shut a machine out, here and on every member that hears of it; its own files stay with it')
    .argument('<node>', 'name of the peer')
    .addHelpText(
      'after',
      '\nThe news spreads from member to member; `spansync peer remove` forgets a peer on this machine only.\n' +
        '\nExample:\n  spansync remove old-laptop',
    )
    .action(
      action<[string], object>(runner, async (context, [name]) => {
        const { peers } = loadConfig(context.home)
        if (!Object.hasOwn(peers, name)) throw unknownName.peer(name, Object.keys(peers))
        await context.control().remove(name)
        context.print(
          `${name} is shut out; every member that can be reached knows it now, the others when they are back`,
        )
      }),
    )
}
