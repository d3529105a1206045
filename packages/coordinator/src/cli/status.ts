import { formatDuration, plural, printable } from '@spansync/common/cli/format'
import type { Overview } from '@spansync/common/protocol/overview'
import type { Command } from 'commander'
import { ask } from './ask.ts'
import { action, type Runner } from './context.ts'
import { nameOf } from './settings.ts'

/** Links whose data cap leaves nothing. */
function usedUp({ plans }: Overview): string[] {
  const links = plans.flatMap(({ edges, unused }) => [...edges, ...unused]).filter(({ capBytes }) => capBytes === 0)
  return [...new Set(links.map(({ a, b }) => `${printable(a)} - ${printable(b)}`))].sort()
}

export function addStatusCommand(program: Command, runner: Runner): void {
  program
    .command('status')
    .description('show how the coordinator and its network are')
    .option('--json', 'print JSON')
    .action(
      action<[], { json?: boolean }>(runner, async (context, _args, { json }) => {
        const overview = await ask(context)
        if (json) return context.printJson(overview)
        const { coordinator, mode, objective, uptimeMs, epoch, nodes, orders, messages, plans } = overview
        const behind = nodes.flatMap(({ name, replicas }) =>
          replicas.filter(({ upToDate }) => !upToDate).map(({ folder }) => `${printable(name)}: ${printable(folder)}`),
        )
        const heard = nodes.filter(({ silentMs }) => silentMs !== undefined).length
        context.print(
          [
            `${context.paint('bold', printable(coordinator))}  ${mode}, ${nameOf(objective)}, leading for ${formatDuration(uptimeMs)} (term ${epoch})`,
            `${heard} of ${plural(nodes.length, 'node')} heard, ${plural(plans.length, 'folder')}`,
            `orders: ${orders.inFlight} in flight, ${orders.resting} waiting to be tried again, ${orders.sent} sent, ${orders.failed} brought nothing`,
            `messages: ${plural(messages.states, 'state')}, ${plural(messages.reports, 'report')}, ${messages.refused} refused`,
            ...usedUp(overview).map((link) =>
              context.paint('yellow', `the data cap of ${link} is used up: no folder passes it this month`),
            ),
            behind.length === 0
              ? context.paint('green', 'every replica that was heard is up to date')
              : `behind: ${behind.join(', ')}`,
          ].join('\n'),
        )
      }),
    )
}
