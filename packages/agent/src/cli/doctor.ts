import { printable } from '@spansync/common/cli/format'
import type { Paint } from '@spansync/common/cli/table'
import type { Command } from 'commander'
import type { Check } from '../control/api.ts'
import { action, exitCodes, type Runner } from './context.ts'
import { examine } from './doctor-checks.ts'

export function addDoctorCommand(program: Command, runner: Runner): void {
  program
    .command('doctor')
    .description(
      'look for what keeps this machine from syncing, and say how to cure it; exit code 1 when there is something',
    )
    .option('--fix', 'repair what is safe to repair: a damaged index, locks and unfinished files that a crash left')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync doctor\nFor damaged files see `spansync audit`.')
    .action(
      action<[], { json?: boolean; fix?: boolean }>(runner, async (context, _args, { json, fix = false }) => {
        const checks = await examine(context, { fix })
        if (json) context.printJson({ checks })
        else context.print(renderChecks(checks, context.paint))
        if (checks.some(({ result }) => result === 'fail')) context.exit(exitCodes.failed)
      }),
    )
}

/** One line per check, and the remedy under what is not right. */
export function renderChecks(checks: readonly Check[], paint: Paint): string {
  const marks = { ok: paint('green', '✓'), warn: paint('yellow', '!'), fail: paint('red', '✗') }
  const lines = checks.flatMap(({ result, title, detail, remedy }) => {
    const text = detail === undefined ? title : `${title}: ${detail}`
    const line = `${marks[result]} ${printable(text)}`
    return result === 'ok' || remedy === undefined
      ? [line]
      : [line, `  ${paint('dim', 'remedy:')} ${printable(remedy)}`]
  })
  const failed = checks.filter(({ result }) => result === 'fail').length
  return [...lines, '', failed === 0 ? 'everything is in order' : `${failed} of ${checks.length} checks failed`].join(
    '\n',
  )
}
