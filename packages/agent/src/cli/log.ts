import { plural, printable } from '@spansync/common/cli/format'
import { type Paint, renderTable } from '@spansync/common/cli/table'
import { loadConfig } from '@spansync/common/config/file'
import type { NodeId } from '@spansync/common/core/causal/types'
import { formerIds } from '@spansync/common/core/roster/rotation'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { availabilityOf, together, type Uptime, withTurn } from '../history/availability.ts'
import { historyFileOf, type KeptEvent, readLinkEvents } from '../history/link-history.ts'
import { action, type Context, type Runner } from './context.ts'
import { unknownName } from './lookup.ts'
import { formatMoment } from './version-time.ts'

interface LogOptions {
  readonly peer?: string
  readonly limit: string
  readonly json?: boolean
}

/** More than is kept of any link. */
const all = 10_000_000

export function addLogCommand(program: Command, runner: Runner): void {
  program
    .command('log')
    .description('list when each link went up and down, over which address, and why')
    .option('--peer <node>', 'only of the link with this peer')
    .option('--limit <n>', 'the newest so many', '100')
    .option('--json', 'print JSON, with how much of the time each link was up')
    .addHelpText('after', '\nExample:\n  spansync log --peer laptop')
    .action(action<[], LogOptions>(runner, (context, _args, options) => showLog(context, options)))
}

async function showLog(context: Context, { peer: name, limit, json }: LogOptions): Promise<void> {
  const { peers } = loadConfig(context.home)
  const peer = name === undefined ? undefined : peers[name]?.id
  if (name !== undefined && peer === undefined) throw unknownName.peer(name, Object.keys(peers))
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError(`\`${limit}\` is not a count`, 'use for example --limit 20')
  const idsOf = await formerIdsAt(context.home)
  const events = readLinkEvents(historyFileOf(context.home), { peers: peer && idsOf(peer), limit: all })
  const shown = events.slice(-Number(limit))
  if (!json) return context.print(renderLog(shown, context.paint))
  const known = Object.values(peers).map(({ id }) => idsOf(id))
  context.printJson({ links: linksOf(events, { known, now: Date.now() }), events: shown.map(toJson) })
}

/** All ids that a node has had, the present one first. */
async function formerIdsAt(home: string): Promise<(node: NodeId) => readonly NodeId[]> {
  const { loadRoster } = await import('../membership/roster-file.ts')
  const { rotations } = loadRoster(home)?.roster ?? { rotations: new Map() }
  return (node) => [node, ...formerIds(rotations, node)]
}

function toJson({ at, name, peer, what, address, code, message }: KeptEvent): object {
  return { at: new Date(at), node: name, id: peer, event: what, address, code, message }
}

interface LinksFacts {
  /** The ids of each peer, the present one first. */
  readonly known: readonly (readonly NodeId[])[]
  /** Ms since 1970. */
  readonly now: number
}

/** How much of the time since its first event each link was up. */
function linksOf(events: readonly KeptEvent[], { known, now }: LinksFacts): object[] {
  const uptimes = new Map<NodeId, Uptime>()
  for (const event of events) uptimes.set(event.peer, withTurn(uptimes.get(event.peer), event))
  const names = new Map(events.map(({ peer, name }) => [peer, name]))
  const groups = new Set([...uptimes.keys()].map((id) => known.find((ids) => ids.includes(id)) ?? [id]))
  return [...groups].flatMap((ids) => {
    const uptime = together(ids.flatMap((id) => uptimes.get(id) ?? []))
    if (uptime === undefined) return []
    const availability = availabilityOf(uptime, now)
    const node = ids.map((id) => names.get(id)).find((name) => name !== undefined)
    return { node, id: ids[0], since: new Date(uptime.since), up: uptime.upSince !== undefined, availability }
  })
}

/** What people see. Pure: the same events give the same text. */
export function renderLog(events: readonly KeptEvent[], paint: Paint): string {
  if (events.length === 0) return 'nothing has happened to any link yet'
  const styles = { up: 'green', moved: 'cyan', down: 'red', failed: 'yellow' } as const
  const columns = [{ title: 'TIME' }, { title: 'LINK' }, { title: 'EVENT' }, { title: 'ADDRESS' }, { title: 'REASON' }]
  const rows = events.map(({ at, name, what, address, message }) => [
    { text: formatMoment(at).slice(0, 19) },
    { text: printable(name) },
    { text: what, style: styles[what] },
    { text: printable(address ?? ''), style: 'dim' as const },
    { text: printable(message ?? '') },
  ])
  return [...renderTable(columns, rows, paint), '', plural(events.length, 'event')].join('\n')
}
