import { loadConfig } from '@spansync/common/config/file'
import type { Command } from 'commander'
import { action, type Runner } from './context.ts'

export function addIdCommand(program: Command, runner: Runner): void {
  program
    .command('id')
    .description('print the fingerprint of this machine, for `spansync peer add` on the others')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync id')
    .action(
      action<[], { json?: boolean }>(runner, async (context, _args, { json }) => {
        const { name, listen } = loadConfig(context.home)
        const { loadIdentity } = await import('../transport/identity.ts')
        const { id } = await loadIdentity(context.home)
        if (json) context.printJson({ node: name, id, ...(listen === undefined ? {} : { listen }) })
        else context.print(id)
      }),
    )
}
