import { isAbsolute, relative, sep } from 'node:path'
import { formatTime, printable } from '@spansync/common/cli/format'
import type { Paint, Style } from '@spansync/common/cli/table'
import { loadConfig } from '@spansync/common/config/file'
import type { Command } from 'commander'
import type { WhyResult } from '../control/api.ts'
import { action, type Context, type Runner } from './context.ts'
import { checkFolderName, unknownName } from './lookup.ts'

interface WhyOptions {
  readonly peer?: string
  readonly json?: boolean
}

export function addWhyCommand(program: Command, runner: Runner): void {
  program
    .command('why')
    .description('say why a folder, or a file in it, is or is not syncing now, and when it will')
    .argument('<folder>', 'id of the folder')
    .argument('[path]', 'of a file or directory, below the folder')
    .option('--peer <name>', 'only with this peer')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync why docs letters/june.odt --peer phone')
    .action(
      action<[string, string | undefined], WhyOptions>(runner, (context, [folder, path], options) =>
        explain(context, folder, { path, ...options }),
      ),
    )
}

async function explain(
  context: Context,
  folder: string,
  { path, peer, json }: WhyOptions & { path: string | undefined },
): Promise<void> {
  checkFolderName(context.home, folder)
  const { folders, peers } = loadConfig(context.home)
  if (peer !== undefined && peers[peer] === undefined) throw unknownName.peer(peer, Object.keys(peers))
  const root = Object.entries(folders).find(([id]) => id === folder)?.[1].path ?? ''
  const request = { folder, ...(path === undefined ? {} : { path: belowRoot(root, path) }), ...(peer ? { peer } : {}) }
  const result = await context.control().why(request)
  if (json) context.printJson(result)
  else context.print(renderWhy(result, context.paint))
}

/** As people type it: below the folder, or the whole path. */
export function belowRoot(root: string, path: string): string {
  const below = isAbsolute(path) ? relative(root, path) : path
  return below
    .split(sep)
    .join('/')
    .replace(/^(\.\/)+/, '')
    .replace(/\/+$/, '')
}

const styles: Readonly<Record<WhyResult['peers'][number]['state'], Style>> = {
  equal: 'green',
  syncing: 'cyan',
  waiting: 'yellow',
  blocked: 'red',
}

/** What people see. Pure: the same answer gives the same text. */
export function renderWhy({ folder, path, peers }: WhyResult, paint: Paint): string {
  const subject = printable(path === undefined ? folder : `${folder}/${path}`)
  if (peers.length === 0) return `${subject} is shared with nobody; add a peer with \`spansync peer add\``
  return peers.flatMap((answer) => answerLines(subject, answer, paint)).join('\n')
}

function answerLines(subject: string, answer: WhyResult['peers'][number], paint: Paint): string[] {
  const { peer, state, syncsAtMs, explanations } = answer
  const when = state === 'waiting' && syncsAtMs !== undefined ? ` until ${formatTime(syncsAtMs)}` : ''
  return [
    `${paint('bold', subject)} with ${printable(peer)}: ${paint(styles[state], state)}${when}`,
    ...explanations.flatMap(({ message, remedy, where, untilMs }) => [
      `  - ${printable(message)}${untilMs === undefined ? '' : `, until ${formatTime(untilMs)}`}${placeText(where, paint)}`,
      ...(remedy === undefined ? [] : [`    ${paint('dim', 'remedy:')} ${printable(remedy)}`]),
    ]),
  ]
}

function placeText(where: WhyResult['peers'][number]['explanations'][number]['where'], paint: Paint): string {
  if (where === undefined || where.key === '') return ''
  const line = where.line === undefined ? '' : `config.yaml:${where.line} `
  return ` ${paint('dim', `(${line}${printable(where.key)})`)}`
}
