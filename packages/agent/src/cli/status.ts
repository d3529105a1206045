import type { Status } from '@spansync/common/protocol/status'
import type { Command } from 'commander'
import { NotRunningError } from '../control/errors.ts'
import { action, type Context, type Runner } from './context.ts'
import { renderStatus } from './status-view.ts'

interface StatusOptions {
  readonly json?: boolean
  readonly watch?: boolean
}

export function addStatusCommand(program: Command, runner: Runner): void {
  program
    .command('status')
    .description('show folders, peers and links')
    .option('--json', 'print JSON; with --watch one line of it per change')
    .option('--watch', 'show it again after every change, until Ctrl-C')
    .addHelpText('after', '\nExample:\n  spansync status --watch')
    .action(
      action<[], StatusOptions>(runner, async (context, _args, options) => {
        if (options.watch) return watch(context, options.json === true)
        const status = await context.control().status()
        if (options.json) context.printJson(status)
        else context.print(renderStatus(status, context.paint))
      }),
    )
}

async function watch(context: Context, json: boolean): Promise<void> {
  const { stdout } = context
  // What is on the screen moves up instead of being drawn over.
  if (stdout.isTTY && !json) stdout.write('\n'.repeat(stdout.rows - 1))
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  process.once('SIGINT', stop)
  try {
    for await (const status of context.control().watch(controller.signal)) show(context, status, json)
  } catch (error) {
    if (!controller.signal.aborted) throw error
  } finally {
    process.off('SIGINT', stop)
  }
  if (!controller.signal.aborted) throw new NotRunningError(context.home)
}

function show(context: Context, status: Status, json: boolean): void {
  context.print(json ? JSON.stringify(status) : screen(context, renderStatus(status, context.paint)))
}

function screen({ stdout }: Context, text: string): string {
  return stdout.isTTY ? redraw(text, stdout.rows) : `${text}\n`
}

/** Draws over what is there, line by line, so that nothing flickers. What does not fit is cut, in both directions: a screen that
 *  scrolled could not be drawn over. The caller ends the last line. */
export function redraw(text: string, rows: number): string {
  const lines = text.trimEnd().split('\n')
  const shown = lines.length < rows ? lines : [...lines.slice(0, Math.max(1, rows - 2)), '…']
  return `\u001b[?7l\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J\u001b[?7h`
}
