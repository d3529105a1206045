import { resolve } from 'node:path'
import {
  createCredentials,
  publicKeyOf,
  readCredentials,
  writeCredentials,
} from '@spansync/common/adapters/nats/credentials'
import { formatDuration, printable } from '@spansync/common/cli/format'
import { renderTable } from '@spansync/common/cli/table'
import { fingerprintProblem, namePattern, nameRule, normaliseFingerprint } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'
import { systemClock } from '@spansync/common/runtime/clock'
import { SpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { credentialsFile } from '../config/load.ts'
import { NoCoordinatorError } from '../daemon/errors.ts'
import type { NodeRecord } from '../store/records.ts'
import { updateSettings } from '../store/update-settings.ts'
import { ask } from './ask.ts'
import { action, type Context, type Runner, withStore } from './context.ts'

interface AddOptions {
  readonly id: string
  readonly out?: string
  readonly leafOnly?: boolean
}

/** The network has no node of this name. */
class UnknownNodeError extends SpansyncError {
  constructor(name: string, known: readonly NodeRecord[]) {
    const names = known.map((node) => node.name).join(', ')
    super({
      code: 'unknown_node',
      message: `there is no node \`${printable(name)}\``,
      remedy: names === '' ? 'add one: spansync-coordinator nodes add NODE --id FINGERPRINT' : `use one of ${names}`,
      exitCode: 2,
    })
  }
}

export function addNodesCommand(program: Command, runner: Runner): void {
  const nodes = program.command('nodes').description('the machines that the coordinator knows: list, add, remove')
  nodes
    .command('list', { isDefault: true })
    .description('show them, and how they are')
    .option('--json', 'print JSON')
    .action(action<[], { json?: boolean }>(runner, (context, _args, { json }) => list(context, json === true)))
  nodes
    .command('add')
    .description('let a machine take part, and make its credentials')
    .argument('<name>', 'its name')
    .requiredOption('--id <fingerprint>', 'what `spansync id` prints there')
    .option('--out <file>', 'where to put the credentials (default: NAME.creds here)')
    .option('--leaf-only', 'it never passes on what it gets, such as a phone on a metered connection')
    .addHelpText('after', '\nExample:\n  spansync-coordinator nodes add laptop --id 3f5a… --out laptop.creds')
    .action(action<[string], AddOptions>(runner, (context, [name], options) => add(context, name, options)))
  nodes
    .command('remove')
    .description('no longer let it take part, until it is added again')
    .argument('<name>')
    .action(action<[string], object>(runner, (context, [name]) => remove(context, name)))
}

async function add(context: Context, name: string, { id, out, leafOnly }: AddOptions): Promise<void> {
  if (!namePattern.test(name)) throw new UsageError(`\`${printable(name)}\` cannot be a name`, `use ${nameRule}`)
  const node = normaliseFingerprint(id) as NodeId | undefined
  if (node === undefined) throw new UsageError(fingerprintProblem(id), 'copy what `spansync id` prints on that machine')
  const own = await readCredentials(credentialsFile(context.home))
  const credentials = createCredentials({ node, name, server: own.server })
  const file = resolve(context.cwd, out ?? `${name}.creds`)
  await withStore(context, async (store) => {
    const known = await store.nodes.list()
    const other = known.find((each) => each.name === name && each.id !== node)
    if (other) throw new UsageError(`another node is called ${name}`, 'choose another name, or remove that one first')
    await writeCredentials(file, credentials)
    await store.nodes.put(
      { id: node, name, nkey: publicKeyOf(credentials), addedAt: Math.round(systemClock.wallNow()) },
      'person',
    )
    await setLeafOnly(store.settings, node, leafOnly === true)
  })
  context.print(
    [
      `${name} may take part. Its credentials are in ${file}: bring that file there by a safe way, and run there`,
      '  spansync coordinator set URL --creds FILE',
    ].join('\n'),
  )
}

async function remove(context: Context, name: string): Promise<void> {
  await withStore(context, async (store) => {
    const known = await store.nodes.list()
    const found = known.find((node) => node.name === name)
    if (!found) throw new UnknownNodeError(name, known)
    await store.nodes.remove(found.id, 'person')
    await setLeafOnly(store.settings, found.id, false)
  })
  context.print(`${name} no longer takes part; it goes on syncing directly with its peers`)
}

type SettingsStore = Parameters<typeof updateSettings>[0]['store']

async function setLeafOnly(store: SettingsStore, node: NodeId, leafOnly: boolean): Promise<void> {
  const { settings } = await store.read()
  if (settings.leafOnly.includes(node) === leafOnly) return
  await updateSettings({
    store,
    by: 'person',
    change: (before) => {
      const others = before.leafOnly.filter((other) => other !== node)
      return { ...before, leafOnly: leafOnly ? [...others, node] : others }
    },
  })
}

async function list(context: Context, json: boolean): Promise<void> {
  const nodes = await ask(context).then(
    (overview) => overview.nodes,
    async (error: unknown) => {
      if (!(error instanceof NoCoordinatorError)) throw error
      context.stderr.write(`note: ${error.message}: only what is registered is shown\n`)
      const known = await withStore(context, (store) => store.nodes.list())
      return known.map(({ id, name }) => ({ id, name, registered: true, leafOnly: false, replicas: [] }))
    },
  )
  if (json) return context.printJson(nodes)
  if (nodes.length === 0)
    return context.print('no nodes yet; add one: spansync-coordinator nodes add NODE --id FINGERPRINT')
  const columns = [{ title: 'NODE' }, { title: 'HEARD' }, { title: 'MODE' }, { title: 'FOLDERS' }, { title: 'ID' }]
  const rows = nodes.map((node) => [
    printable(node.name) + (node.leafOnly ? ' (leaf)' : ''),
    'silentMs' in node && node.silentMs !== undefined ? `${formatDuration(node.silentMs)} ago` : 'not yet',
    'mode' in node && node.mode !== undefined ? node.mode.effective : '',
    node.replicas.map(({ folder, upToDate }) => `${printable(folder)}${upToDate ? '' : ' (behind)'}`).join(', '),
    node.id.slice(0, 16),
  ])
  context.print(renderTable(columns, rows, context.paint).join('\n'))
}
