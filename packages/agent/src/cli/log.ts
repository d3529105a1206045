import { plural, printable } from '@spansync/common/cli/format'
import { type Paint, renderTable } from '@spansync/common/cli/table'
import { loadConfig } from '@spansync/common/config/file'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { availabilityOf, type Uptime, withTurn } from '../history/availability.ts'
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

function showLog(context: Context, { peer: name, limit, json }: LogOptions): void {
  const { peers } = loadConfig(context.home)
  const peer = name === undefined ? undefined : peers[name]?.id
  if (name !== undefined && peer === undefined) throw unknownName.peer(name, Object.keys(peers))
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError(`\`${limit}\` is not a count`, 'use for example --limit 20')
  const events = readLinkEvents(historyFileOf(context.home), { peer, limit: all })
  const shown = events.slice(-Number(limit))
  if (json) context.printJson({ links: linksOf(events, Date.now()), events: shown.map(toJson) })
  else context.print(renderLog(shown, context.paint))
}

function toJson({ at, name, peer, what, address, code, message }: KeptEvent): object {
  return { at: new Date(at), node: name, id: peer, event: what, address, code, message }
}

/** How much of the time since its first event each link was up. */
function linksOf(events: readonly KeptEvent[], now: number): object[] {
  const known = new Map<string, Uptime & { name: string }>()
  for (const event of events) {
    known.set(event.peer, { ...withTurn(known.get(event.peer), event), name: event.name })
  }
  return [...known].map(([id, uptime]) => ({
    node: uptime.name,
    id,
    since: new Date(uptime.since),
    up: uptime.upSince !== undefined,
    availability: availabilityOf(uptime, now),
  }))
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
