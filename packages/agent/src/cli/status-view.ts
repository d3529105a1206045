import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatTime,
  plural,
  printable,
} from '@spansync/common/cli/format'
import { type Cell, type Line, type Paint, renderTable, type Style } from '@spansync/common/cli/table'
import type {
  Amount,
  FolderPeerStatus,
  FolderStatus,
  LinkStatus,
  Problem,
  Status,
} from '@spansync/common/protocol/status'

const stateStyles: Readonly<Record<FolderStatus['state'], Style>> = {
  idle: 'green',
  scanning: 'cyan',
  syncing: 'cyan',
  waiting: 'yellow',
  error: 'red',
}

/** What people see. Pure: the same status gives the same text. */
export function renderStatus(status: Status, paint: Paint): string {
  const parts = [heading(status, paint), folderTable(status.folders, paint), linkTable(status.links, paint)]
  return parts.map((lines) => `${lines.join('\n')}\n`).join('\n')
}

function heading(status: Status, paint: Paint): string[] {
  const { configured, effective } = status.mode
  const mode = configured === effective ? effective : `${effective} (${configured})`
  const address = status.listen === undefined ? 'only dials' : `listens on ${status.listen}`
  const facts = [mode, coordinatorText(status.coordinator), address, `up ${formatDuration(status.uptimeMs)}`]
  const lines = [
    `${paint('bold', printable(status.node))}  ${facts.join(paint('dim', ' · '))}`,
    paint('dim', `${status.id}  spansync ${status.version}`),
  ]
  if (!status.jailed)
    lines.push(paint('yellow', 'Unison servers started for peers are not confined to their folder on this system'))
  return [...lines, ...(status.errors ?? []).flatMap((problem) => problemLines(problem, '', paint))]
}

function coordinatorText(coordinator: Status['coordinator']): string {
  if (coordinator.connected) return 'coordinator connected'
  return coordinator.url === undefined ? 'no coordinator' : 'coordinator out of reach'
}

function folderTable(folders: readonly FolderStatus[], paint: Paint): string[] {
  if (folders.length === 0) return ['No folders yet. Add one: spansync folder add docs ~/docs']
  const lines = folders.flatMap((folder): Line[] => [
    folderRow(folder),
    ...peerLines(folder.peers, paint),
    ...folder.errors.flatMap((problem) => problemLines(problem, '  ', paint)),
    ...moreErrors(folder, paint),
  ])
  const right = { align: 'right' } as const
  const columns = [
    { title: 'FOLDER' },
    { title: 'STATE' },
    { title: 'FILES', ...right },
    { title: 'SIZE', ...right },
    { title: 'CONFLICTS', ...right },
    { title: 'PATH' },
  ]
  return renderTable(columns, lines, paint)
}

function folderRow(folder: FolderStatus): Cell[] {
  return [
    { text: printable(folder.id), style: 'bold' },
    { text: folder.state, style: stateStyles[folder.state] },
    { text: formatCount(folder.files) },
    { text: formatBytes(folder.bytes) },
    folder.conflicts === 0 ? { text: '0' } : { text: formatCount(folder.conflicts), style: 'yellow' },
    { text: printable(folder.path), style: 'dim' },
  ]
}

function peerLines(peers: readonly FolderPeerStatus[], paint: Paint): string[] {
  const width = Math.max(0, ...peers.map(({ node }) => node.length))
  return peers.flatMap((peer) => [
    `  ${printable(peer.node).padEnd(width)}  ${peerText(peer, paint)}`,
    ...heldBackLines(peer, paint),
    ...heldLines(peer, paint),
  ])
}

/** Of what the line above says. */
function heldBackLines({ heldBack }: FolderPeerStatus, paint: Paint): string[] {
  if (heldBack === undefined) return []
  const { behind, lacking } = heldBack
  const parts = [
    ...(isNothing(behind) ? [] : [`${amountText(behind)} to it`]),
    ...(isNothing(lacking) ? [] : [`${amountText(lacking)} to here`]),
  ]
  return [paint('yellow', `    policy holds back from the link ${parts.join(', ')}`)]
}

function heldLines({ held }: FolderPeerStatus, paint: Paint): string[] {
  if (held === undefined) return []
  const until = held.untilMs === undefined ? '' : ` until ${formatTime(held.untilMs)}`
  const ways = { open: '', shut: 'held', gives: 'only sends', takes: 'only receives' } as const
  return held.reasons.map(({ message, key }) =>
    paint('yellow', `    ${ways[held.door]}${until}: ${message} (${printable(key)})`),
  )
}

function peerText(peer: FolderPeerStatus, paint: Paint): string {
  const parts = [
    ...(peer.connected ? [] : ['offline']),
    ...(isNothing(peer.behind) ? [] : [`behind by ${amountText(peer.behind)}`]),
    ...(isNothing(peer.lacking) ? [] : [`has ${amountText(peer.lacking)} that are missing here`]),
  ]
  if (parts.length === 0) return paint('green', 'up to date')
  return paint(peer.connected ? 'cyan' : 'dim', parts.join(', '))
}

function isNothing({ files, bytes }: Amount): boolean {
  return files === 0 && bytes === 0
}

function amountText({ files, bytes }: Amount): string {
  return `${plural(files, 'file')} (${formatBytes(bytes)})`
}

function moreErrors(folder: FolderStatus, paint: Paint): string[] {
  const more = (folder.errorsTotal ?? 0) - folder.errors.length
  return more > 0 ? [paint('red', `  … and ${plural(more, 'more error')}`)] : []
}

export function problemLines(problem: Problem, indent: string, paint: Paint): string[] {
  const where = problem.path === undefined ? '' : `${printable(problem.path)}: `
  return [
    `${indent}${paint('red', '✗')} ${where}${printable(problem.message)}`,
    `${indent}  ${paint('dim', 'remedy:')} ${printable(problem.remedy)}`,
  ]
}

function linkTable(links: readonly LinkStatus[], paint: Paint): string[] {
  if (links.length === 0) return ['No peers yet. Add one: spansync peer add laptop 192.0.2.7:22070 --id FINGERPRINT']
  const lines = links.flatMap((link): Line[] => [
    linkRow(link),
    ...capLines(link, paint),
    ...addressLines(link, paint),
    ...(link.error === undefined ? [] : problemLines(link.error, '  ', paint)),
  ])
  const right = { align: 'right' } as const
  const columns = [
    { title: 'LINK' },
    { title: 'STATE' },
    { title: 'ROUND TRIP', ...right },
    { title: 'THROUGHPUT', ...right },
    { title: 'SENT', ...right },
    { title: 'RECEIVED', ...right },
    { title: 'ADDRESS' },
  ]
  return renderTable(columns, lines, paint)
}

function capLines({ dataCap }: LinkStatus, paint: Paint): string[] {
  if (dataCap === undefined) return []
  const { bytes, usedBytes } = dataCap
  const text = `${formatBytes(usedBytes)} of ${formatBytes(bytes)} used this month`
  return [usedBytes < bytes ? `  ${text}` : paint('yellow', `  ${text}: a coordinator's plan leaves this link alone`)]
}

/** Where there is a choice: what is known of each. */
function addressLines({ addresses = [] }: LinkStatus, paint: Paint): string[] {
  if (addresses.length < 2) return []
  return addresses.map((one) => {
    const facts = [
      ...(one.inUse ? ['in use'] : []),
      ...(one.found ? ['found on the local network'] : []),
      ...(one.rttMs === null ? [] : [formatMs(one.rttMs)]),
      ...(one.throughputBps === null ? [] : [`${formatBytes(one.throughputBps)}/s`]),
      ...(one.metered ? ['metered'] : []),
      ...(one.pricePerGb === 0 ? [] : [`${one.pricePerGb} per GB`]),
      ...(one.error === undefined ? [] : [printable(one.error.message)]),
    ]
    return paint(
      one.inUse ? 'green' : 'dim',
      `  ${printable(one.address)}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`,
    )
  })
}

function linkRow(link: LinkStatus): Cell[] {
  return [
    { text: printable(link.node), style: 'bold' },
    link.up ? { text: 'up', style: 'green' } : { text: 'down', style: link.error === undefined ? 'dim' : 'red' },
    { text: link.rttMs === null ? '–' : formatMs(link.rttMs) },
    { text: link.throughputBps === null ? '–' : `${formatBytes(link.throughputBps)}/s` },
    { text: formatBytes(link.sentBytes) },
    { text: formatBytes(link.receivedBytes) },
    { text: printable(link.address ?? ''), style: 'dim' },
  ]
}
