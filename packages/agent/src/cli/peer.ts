import { formatBytes, formatMs, printable } from '@spansync/common/cli/format'
import { type Paint, renderTable } from '@spansync/common/cli/table'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import type { PeerConfig } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Roster } from '@spansync/common/core/roster/roster'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { forgetPeer } from '../membership/peers.ts'
import { action, announceChange, type Context, type Runner } from './context.ts'
import { unknownName } from './lookup.ts'
import { type PeerOptions, peerSettings, writePeer } from './peer-edit.ts'

export function addPeerCommand(program: Command, runner: Runner): void {
  const peer = program.command('peer').description('add, list or remove the machines that this one syncs with')
  addAdd(peer, runner)
  peer
    .command('list')
    .description('list the peers')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  spansync peer list')
    .action(
      action<[], { json?: boolean }>(runner, (context, _args, { json }) => {
        const peers = Object.entries(loadConfig(context.home).peers).map(([node, peer]) => ({ node, ...peer }))
        if (json) context.printJson(peers)
        else context.print(renderPeers(peers, context.paint))
      }),
    )
  peer
    .command('remove')
    .description('forget a peer; no file is deleted anywhere')
    .argument('<node>', 'name of the peer')
    .addHelpText('after', '\nExample:\n  spansync peer remove laptop')
    .action(action<[string], object>(runner, (context, [name]) => removePeer(context, name)))
}

function addAdd(peer: Command, runner: Runner): void {
  peer
    .command('add')
    .description('add a peer, or change one that is known; without an address it is one that dials this machine')
    .argument('<node>', 'name of the peer')
    .argument('[host:port...]', 'where to dial it')
    .requiredOption('--id <fingerprint>', 'what `spansync id` prints on that machine')
    .option('--price-per-gb <n>', 'price of a gigabyte over this link')
    .option('--throughput <rate>', 'expected throughput, such as 10mbit')
    .option('--latency <time>', 'expected round trip, such as 20ms')
    .option('--data-cap <size>', 'most bytes a month over this link, such as 5GB; then plans leave it alone')
    .option('--metered', 'traffic over this link is paid for or capped')
    .addHelpText(
      'after',
      '\nExamples:\n  spansync peer add server server.lan:22070 --id 4f0c…\n  spansync peer add laptop --id 91ab…',
    )
    .action(
      action<[string, string[]], PeerOptions>(runner, async (context, [name, addresses], options) => {
        const settings = peerSettings(name, addresses, options)
        await refuseSelf(context, settings.id)
        await refuseRemoved(context, name, settings.id)
        const result = await editConfig(context.home, (editor) => writePeer(editor, name, settings))
        await announceChange(context)
        const where = settings.addresses.length === 0 ? 'dials this machine' : `at ${settings.addresses.join(', ')}`
        context.print(`peer ${name} ${result} (${where})`)
      }),
    )
}

async function refuseSelf(context: Context, id: string): Promise<void> {
  const { name } = loadConfig(context.home)
  const { loadIdentity } = await import('../transport/identity.ts')
  const own = await loadIdentity(context.home)
  if (own.id === id) throw unknownName.self(name)
}

/** It would never be linked. */
async function refuseRemoved(context: Context, name: string, id: string): Promise<void> {
  const { loadRoster } = await import('../membership/roster-file.ts')
  const { standingOf, currentId } = await import('@spansync/common/core/roster/standing')
  const { roster } = loadRoster(context.home) ?? {}
  const standing = roster && standingOf(roster, id as NodeId)
  if (standing === undefined || standing === 'member' || standing === 'unknown') return
  if (standing === 'replaced') {
    throw new UsageError(
      `${name} has a new key, and ${id} no longer counts`,
      `use what \`spansync id\` prints there now; as far as is known here that is ${currentId(roster as Roster, id as NodeId)}`,
      'was_replaced',
    )
  }
  throw new UsageError(
    `${name} was removed from the network`,
    'let it in again: `spansync invite` here, `spansync join CODE` there',
    'was_removed',
  )
}

function renderPeers(peers: readonly (PeerConfig & { readonly node: string })[], paint: Paint): string {
  if (peers.length === 0) return 'no peers yet; add one with `spansync peer add NODE HOST:PORT --id FINGERPRINT`'
  const columns = [{ title: 'PEER' }, { title: 'ADDRESSES' }, { title: 'LINK' }, { title: 'FINGERPRINT' }]
  const rows = peers.map((peer) => [
    peer.node,
    printable(peer.addresses.join(', ')) || '(dials this machine)',
    linkText(peer),
    peer.id,
  ])
  return renderTable(columns, rows, paint).join('\n')
}

function linkText(peer: PeerConfig): string {
  const parts = [
    ...(peer.throughputBps === undefined ? [] : [`${formatBytes(peer.throughputBps)}/s`]),
    ...(peer.latencyMs === undefined ? [] : [formatMs(peer.latencyMs)]),
    ...(peer.pricePerGb === undefined ? [] : [`${peer.pricePerGb} per GB`]),
    ...(peer.dataCapBytes === undefined ? [] : [`at most ${formatBytes(peer.dataCapBytes)} a month`]),
    ...(peer.metered ? ['metered'] : []),
  ]
  return parts.join(', ') || '–'
}

async function removePeer(context: Context, name: string): Promise<void> {
  const shared = await editConfig(context.home, (editor) => {
    const { peers } = editor.config
    if (!Object.hasOwn(peers, name)) throw unknownName.peer(name, Object.keys(peers))
    return forgetPeer(editor, name)
  })
  await announceChange(context)
  const also = shared.length === 0 ? '' : `, also from the folders that named it: ${shared.map(printable).join(', ')}`
  context.print(`peer ${name} removed${also}; no file was deleted`)
}
