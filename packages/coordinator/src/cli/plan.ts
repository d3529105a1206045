import { formatBytes, formatMs, plural, printable } from '@spansync/common/cli/format'
import { renderTable } from '@spansync/common/cli/table'
import type { FolderPlan, Overview, PlanEdge } from '@spansync/common/protocol/overview'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { ask } from './ask.ts'
import { action, type Context, type Runner } from './context.ts'
import { overviewToDot } from './plan-dot.ts'
import { nameOf, parseObjective } from './settings.ts'

interface PlanOptions {
  readonly json?: boolean
  readonly dot?: boolean
}

export function addPlanCommand(program: Command, runner: Runner): void {
  program
    .command('plan')
    .description('show along which links every folder passes, what that costs, and how long it takes')
    .argument('[folder]', 'only this one')
    .option('--json', 'print JSON: per folder edges, cost per GB, predicted seconds')
    .option('--dot', 'print the graph for Graphviz: spansync-coordinator plan --dot | dot -Tsvg')
    .action(
      action<[string | undefined], PlanOptions>(runner, async (context, [folder], options) => {
        show(context, await plansOf(context, folder), options)
      }),
    )
}

export function addEstimateCommand(program: Command, runner: Runner): void {
  program
    .command('estimate')
    .description('show what another objective would change, before it is set')
    .requiredOption('--plan-only', 'compare plans (nothing else can be estimated yet)')
    .requiredOption('--objective <objective>', 'cheapest, balanced, fastest, or a number from 0 to 1')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync-coordinator estimate --plan-only --objective cheapest')
    .action(
      action<[], { objective: string; json?: boolean }>(runner, async (context, _args, { objective, json }) => {
        const [before, after] = [await ask(context), await ask(context, { objective: parseObjective(objective) })]
        compare(context, { before, after, json: json === true })
      }),
    )
}

async function plansOf(context: Context, folder: string | undefined): Promise<Overview> {
  const overview = await ask(context)
  if (folder === undefined) return overview
  const plans = overview.plans.filter((plan) => plan.folder === folder)
  if (plans.length > 0) return { ...overview, plans }
  const known = overview.plans.map((plan) => plan.folder).join(', ')
  throw new UsageError(
    `nobody holds a folder \`${printable(folder)}\``,
    known === '' ? 'share one first: `spansync folder add` on two machines' : `use one of ${known}`,
    'unknown_folder',
  )
}

function show(context: Context, overview: Overview, { json, dot }: PlanOptions): void {
  if (json) return context.printJson({ objective: overview.objective, epoch: overview.epoch, plans: overview.plans })
  if (dot) return context.print(overviewToDot(overview))
  if (overview.plans.length === 0) return context.print('no folder is held by any node yet')
  context.print(overview.plans.map((plan) => renderPlan(plan, overview, context)).join('\n\n'))
}

function renderPlan(plan: FolderPlan, { objective }: Overview, { paint }: Context): string {
  const head = `${paint('bold', printable(plan.folder))}  ${plural(plan.members.length, 'node')}, ${nameOf(objective)}`
  const figures = `cost ${money(plan.costPerGb)} per GB, 1 GB everywhere in about ${formatMs(plan.predictedSecondsPerGb * 1000)}`
  const right = { align: 'right' } as const
  const columns = [
    { title: 'LINK' },
    { title: 'ROUND TRIP', ...right },
    { title: 'THROUGHPUT', ...right },
    { title: 'PER GB', ...right },
    { title: 'UP', ...right },
    { title: '' },
  ]
  const rows = [
    ...plan.edges.map((edge) => row(edge, [edge.busy ? 'busy' : '', capText(edge)])),
    ...plan.unused.map((edge) => row(edge, ['not used', capText(edge)])),
  ]
  const apart =
    plan.components.length > 1
      ? [
          `${plural(plan.components.length, 'group')} cannot reach each other: ${plan.components.map((names) => names.map(printable).join(' ')).join(' | ')}`,
        ]
      : []
  const leaves =
    plan.heldApart.length > 0 ? [`would join them, but may not relay: ${plan.heldApart.map(printable).join(', ')}`] : []
  return [head, figures, ...(rows.length === 0 ? [] : renderTable(columns, rows, paint)), ...apart, ...leaves].join(
    '\n',
  )
}

function row({ a, b, rttMs, throughputBps, pricePerGb, availability }: PlanEdge, remarks: readonly string[]): string[] {
  const rate = `${((throughputBps * 8) / 1e6).toFixed(1)} Mbit/s`
  return [
    `${printable(a)} - ${printable(b)}`,
    formatMs(rttMs),
    rate,
    money(pricePerGb),
    `${Math.round(availability * 100)} %`,
    remarks.filter((text) => text !== '').join(', '),
  ]
}

/** Why a link with a data cap is used, or not. */
function capText({ capBytes }: PlanEdge): string {
  if (capBytes === undefined) return ''
  return capBytes === 0
    ? 'its data cap is used up for this month'
    : `about ${formatBytes(capBytes)} left of its data cap`
}

const money = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2))

interface Comparison {
  readonly before: Overview
  readonly after: Overview
  readonly json: boolean
}

function compare(context: Context, { before, after, json }: Comparison): void {
  const folders = before.plans.map((plan) => ({
    folder: plan.folder,
    before: figuresOf(plan),
    after: figuresOf(after.plans.find((other) => other.folder === plan.folder) ?? plan),
  }))
  if (json) return context.printJson({ objective: { before: before.objective, after: after.objective }, folders })
  if (folders.length === 0) return context.print('no folder is held by any node yet')
  const columns = [
    { title: 'FOLDER' },
    { title: 'PER GB NOW' },
    { title: 'THEN' },
    { title: '1 GB EVERYWHERE NOW' },
    { title: 'THEN' },
  ]
  const rows = folders.map((folder) => [
    printable(folder.folder),
    money(folder.before.costPerGb),
    money(folder.after.costPerGb),
    formatMs(folder.before.predictedSecondsPerGb * 1000),
    formatMs(folder.after.predictedSecondsPerGb * 1000),
  ])
  context.print(renderTable(columns, rows, context.paint).join('\n'))
}

function figuresOf({ costPerGb, predictedSecondsPerGb, predictedSecondsPerEdit, edges }: FolderPlan) {
  return { costPerGb, predictedSecondsPerGb, predictedSecondsPerEdit, edges: edges.map(({ a, b }) => [a, b]) }
}
