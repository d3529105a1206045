import { text as readAll } from 'node:stream/consumers'
import { formatBytes, plural, printable } from '@spansync/common/cli/format'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import { emptyRoster } from '@spansync/common/core/roster/roster'
import { systemClock } from '@spansync/common/runtime/clock'
import { UsageError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import { NotRunningError } from '../control/errors.ts'
import { decodeInvite, type InviteCode } from '../joining/code.ts'
import type { JoinAnswer, Offer } from '../joining/protocol.ts'
import { action, announceChange, type Context, type Runner } from './context.ts'
import { setUpUnlessDone, withSetup } from './setup.ts'
import { startAgent } from './start-agent.ts'

interface JoinCommandOptions {
  readonly name?: string
  readonly listen?: string
  readonly json?: boolean
}

export function addJoinCommand(program: Command, runner: Runner): void {
  withSetup(program.command('join'))
    .description('join the machines of somebody who has invited this one')
    .argument('[code...]', 'what `spansync invite` printed there; without it, it is read from standard input')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nSets this machine up and starts the agent in the background, where that has not been done.\n' +
        'Where the network has a coordinator, it asks to be let in there, too, with a key of its own that it gives to nobody.\n' +
        'On a machine that others use, too, let the code be asked for: they see the arguments of a command.\n' +
        '\nExamples:\n  spansync join 4F0C2A-91AB7T-…\n  spansync join',
    )
    .action(
      action<[string[]], JoinCommandOptions>(runner, (context, [code], options) =>
        join(context, code.join(''), options),
      ),
    )
}

async function join(context: Context, text: string, options: JoinCommandOptions): Promise<void> {
  const { home, env, stderr } = context
  const code = decodeInvite(text === '' ? await askForCode(context) : text)
  if ((await setUpUnlessDone(home, options)) === 'new') {
    stderr.write(`this machine is set up as ${loadConfig(home).name}, in ${printable(home)}\n`)
  }
  const { name: inviter, answer } = await joinAs(context, code)
  const isFollowing = await followCoordinator(home, answer)
  if ((await startAgent({ home, env })) === 'started') stderr.write('the agent runs in the background now\n')
  else await announceChange(context)
  if (options.json) return context.printJson({ peer: inviter, ...answer })
  const lines = [`joined ${inviter}, which calls this machine ${answer.yourName}`, ...offerLines(answer.offers)]
  if (isFollowing) lines.push('', ...(await admissionLines(context)))
  else if (answer.coordinator && loadConfig(home).coordinator === undefined) {
    lines.push(
      '',
      `There is a coordinator: ${printable(answer.coordinator.url)}`,
      `With the credentials that \`spansync-coordinator nodes add ${answer.yourName}\` makes there:`,
      '  spansync coordinator set URL --creds FILE',
    )
  }
  context.print(lines.join('\n'))
}

async function askForCode({ stderr }: Context): Promise<string> {
  const { stdin } = process
  if (!stdin.isTTY) return await readAll(stdin)
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return await lines.question('code: ')
  } finally {
    lines.close()
  }
}

/** Asks the inviting machine, and writes down whom this one has joined. */
async function joinAs(context: Context, code: InviteCode): Promise<{ name: string; answer: JoinAnswer }> {
  const { home } = context
  const { loadIdentity } = await import('../transport/identity.ts')
  const { joinNetwork } = await import('../joining/join.ts')
  const { ownAddresses } = await import('../joining/own-addresses.ts')
  const { putPeers } = await import('../membership/peers.ts')
  const identity = await loadIdentity(home)
  if (identity.id === code.inviter) {
    throw new UsageError('that invitation is this machine’s own', 'run `spansync join` on the machine that is to join')
  }
  const { name: ownName, listen } = loadConfig(home)
  const { signal } = new AbortController()
  const asked = { code, identity, name: ownName, addresses: ownAddresses(listen), clock: systemClock, signal }
  const { answer, address } = await joinNetwork(asked)
  const addresses = [address, ...code.addresses.filter((other) => other !== address)]
  const peer = { id: code.inviter, name: answer.name, addresses }
  await beginMemberList(context)
  const [name = answer.name] = await editConfig(home, (editor) => putPeers(editor, [peer], { tried: true }))
  return { name, answer }
}

/** With what the inviting machine will tell: what was known before was of another time, or of another network. */
async function beginMemberList(context: Context): Promise<void> {
  try {
    await context.control().joined()
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
    const { saveRoster } = await import('../membership/roster-file.ts')
    saveRoster(context.home, { roster: emptyRoster, takesPart: true })
  }
}

/** Where this machine was told enough of the coordinator, and knows none yet. It makes its own key; the agent asks to be let in with it. */
async function followCoordinator(home: string, { coordinator, yourName: name }: JoinAnswer): Promise<boolean> {
  if (coordinator?.server === undefined || loadConfig(home).coordinator !== undefined) return false
  const { url, server } = coordinator
  const { loadIdentity } = await import('../transport/identity.ts')
  const { makeCredentials, ownCredentialsFile } = await import('../coordination/own-credentials.ts')
  const creds = ownCredentialsFile(home)
  await makeCredentials(creds, { node: (await loadIdentity(home)).id, name, server })
  await editConfig(home, (editor) => editor.set(['coordinator'], { url, creds }))
  return true
}

const admissionMs = 10_000
const lookMs = 100

/** Waits for a moment, for usually it is one. */
async function admissionLines({ control }: Context): Promise<string[]> {
  for (const until = systemClock.now() + admissionMs; ; await systemClock.sleep(lookMs)) {
    const { coordinator, errors = [] } = await control().status()
    const at = `the coordinator at ${printable(coordinator.url ?? '')}`
    if (coordinator.connected) return [`${at} has let this machine in`]
    if (systemClock.now() < until) continue
    const [problem] = errors.filter(({ code }) => code === 'not_admitted' || code.startsWith('nats_'))
    return [
      `${at} has not let this machine in yet${problem ? `: ${printable(problem.message)}` : ''}`,
      'it goes on asking by itself, through every peer that reaches the coordinator, and syncs directly with its peers meanwhile',
    ]
  }
}

function offerLines(offers: readonly Offer[]): string[] {
  if (offers.length === 0) return ['no folder is offered yet; `spansync folder add ID PATH` there offers one']
  const [first] = offers
  return [
    '',
    'Folders on offer:',
    ...offers.map(({ id, files, bytes }) => `  ${id}  ${plural(files, 'file')}, ${formatBytes(bytes)}`),
    'Take one with:',
    `  spansync folder accept ${first?.id} PATH`,
  ]
}
