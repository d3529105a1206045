import { resolve } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { action, announceChange, type Runner, warnWhenNobodyDecides } from './context.ts'

const note =
  'Agents of this version sync directly with their peers; the setting is kept for one that follows a coordinator.'

export function addCoordinatorCommand(program: Command, runner: Runner): void {
  const coordinator = program.command('coordinator').description('set or unset the coordinator of this network')
  coordinator
    .command('set')
    .description('use the coordinator at this URL')
    .argument('<url>', 'such as tls://server:4222')
    .option('--creds <file>', 'file with the credentials for it')
    .addHelpText('after', '\nExample:\n  spansync coordinator set tls://server.lan:4222 --creds ~/spansync.creds')
    .action(
      action<[string], { creds?: string }>(runner, async (context, [url], { creds }) => {
        if (!/^(nats|tls|ws|wss):\/\/[^\s/]+/.test(url)) {
          throw new UsageError(`\`${url}\` is not the URL of a coordinator`, 'use for example tls://server:4222')
        }
        const file = creds === undefined ? undefined : resolve(context.cwd, creds)
        await editConfig(context.home, (editor) => editor.set(['coordinator'], { url, creds: file }))
        await announceChange(context)
        context.print(`coordinator: ${url}\n${note}`)
      }),
    )
  coordinator
    .command('unset')
    .description('use no coordinator')
    .addHelpText('after', '\nExample:\n  spansync coordinator unset')
    .action(
      action<[], object>(runner, async (context) => {
        const removed = await editConfig(context.home, (editor) => editor.remove(['coordinator']))
        await announceChange(context)
        context.print(removed ? 'coordinator: none' : 'no coordinator was set')
        warnWhenNobodyDecides(context)
      }),
    )
}
