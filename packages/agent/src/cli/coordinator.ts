import { resolve } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { CredentialsForeignError } from '../coordination/errors.ts'
import { action, announceChange, type Context, type Runner, warnWhenNobodyDecides } from './context.ts'

export function addCoordinatorCommand(program: Command, runner: Runner): void {
  const coordinator = program.command('coordinator').description('set or unset the coordinator of this network')
  coordinator
    .command('set')
    .description('use the coordinator at this URL')
    .argument('<url>', 'such as tls://server:22071')
    .option('--creds <file>', 'file with the credentials for it')
    .addHelpText('after', '\nExample:\n  spansync coordinator set tls://server.lan:22071 --creds ~/spansync.creds')
    .action(
      action<[string], { creds?: string }>(runner, async (context, [url], { creds }) => {
        if (!/^(nats|tls):\/\/[^\s/]+/.test(url)) {
          throw new UsageError(`\`${url}\` is not the URL of a coordinator`, 'use for example tls://server:22071')
        }
        const file = creds === undefined ? undefined : await checkedCredentials(context, resolve(context.cwd, creds))
        await editConfig(context.home, (editor) => editor.set(['coordinator'], { url, creds: file }))
        await announceChange(context)
        context.print(`coordinator: ${url}`)
        if (file === undefined) context.stderr.write(`note: it will ask for credentials: ${howToGetCredentials}\n`)
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

const howToGetCredentials =
  'on the coordinator run `spansync-coordinator nodes add NODE --id FINGERPRINT`, bring the file here and give it with --creds'

/** What cannot be used is refused now, and not found in a log later. */
async function checkedCredentials({ home }: Context, file: string): Promise<string> {
  const [{ readCredentials }, { loadIdentity }] = await Promise.all([
    import('@spansync/common/adapters/nats/credentials'),
    import('../transport/identity.ts'),
  ])
  const [credentials, identity] = [await readCredentials(file), await loadIdentity(home)]
  if (credentials.node !== identity.id) throw new CredentialsForeignError(file, credentials.name)
  return file
}
