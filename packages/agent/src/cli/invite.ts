import { basename, resolve } from 'node:path'
import { printable } from '@spansync/common/cli/format'
import { loadConfig } from '@spansync/common/config/file'
import { namePattern } from '@spansync/common/config/values'
import { tellable } from '@spansync/common/protocol/roster'
import { SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { action, announceChange, type Context, collect, type Runner } from './context.ts'
import { addFolder } from './folder-add.ts'
import { setUpUnlessDone, withSetup } from './setup.ts'
import { startAgent } from './start-agent.ts'

/** Nobody could use such an invitation. */
class NoAddressError extends SpansyncError {
  constructor() {
    super({
      code: 'no_address',
      message: 'no address is known under which this machine can be dialled',
      remedy: 'name one with --address HOST:PORT; see also `listen` in config.yaml, and whether a network is up',
    })
  }
}

interface InviteOptions {
  readonly address?: readonly string[]
  readonly name?: string
  readonly listen?: string
  readonly json?: boolean
}

export function addInviteCommand(program: Command, runner: Runner): void {
  withSetup(program.command('invite'))
    .description('print a code with which one other machine can join, within ten minutes')
    .argument('[path]', 'a directory to offer at once: it becomes a folder with its name')
    .option(
      '--address <host:port>',
      'where else this machine can be dialled, such as from outside; may be repeated',
      collect,
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nSets this machine up and starts the agent in the background, where that has not been done.\n' +
        '\nExamples:\n  spansync invite ~/docs\n  spansync invite --address home.example.org:22070',
    )
    .action(
      action<[string | undefined], InviteOptions>(runner, (context, [path], options) => invite(context, path, options)),
    )
}

async function invite(context: Context, path: string | undefined, options: InviteOptions): Promise<void> {
  const { home, env, stderr } = context
  const addresses = options.address ?? []
  for (const address of addresses) {
    if (tellable([address]).length === 1) continue
    throw new UsageError(`\`${address}\` is not host:port`, 'use for example --address home.example.org:22070')
  }
  const isNew = (await setUpUnlessDone(home, options)) === 'new'
  if (isNew) stderr.write(`this machine is set up as ${loadConfig(home).name}, in ${printable(home)}\n`)
  if (path !== undefined) await offer(context, path)
  if ((await startAgent({ home, env })) === 'started') stderr.write('the agent runs in the background now\n')
  const invitation = await context.control().invite({ addresses: [...addresses] })
  if (options.json) return context.printJson(invitation)
  if (invitation.addresses.length === 0) throw new NoAddressError()
  context.print(invitation.code)
  if (!context.stdout.isTTY) return
  const { renderUnicodeCompact } = await import('uqr')
  // Without the dashes it needs a smaller picture.
  context.print(`\n${renderUnicodeCompact(invitation.code.replaceAll('-', ''), { border: 2 })}\n`)
  context.print(
    'On the other machine, within ten minutes:\n  spansync join CODE\nWhoever has the code can join: it is a secret until then.',
  )
}

/** A directory that is a folder already is offered anyway. */
async function offer(context: Context, path: string): Promise<void> {
  const root = resolve(context.cwd, path)
  const id = basename(root)
  if (!namePattern.test(id)) {
    throw new UsageError(
      `\`${printable(id)}\` cannot be the id of a folder`,
      'add it under another: spansync folder add ID PATH',
    )
  }
  if (Object.values(loadConfig(context.home).folders).some((folder) => folder.path === root)) return
  await addFolder(context, { id, path, options: {} })
  await announceChange(context)
  context.stderr.write(`folder ${id} is offered: ${printable(root)}\n`)
}
