import { loadConfig } from '@spansync/common/config/file'
import { isRoomForHeir } from '@spansync/common/core/roster/room'
import { systemClock } from '@spansync/common/runtime/clock'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { Command } from 'commander'
import type { Rotated } from '../control/api.ts'
import { NotRunningError } from '../control/errors.ts'
import { NoRoomForKeyError } from '../membership/errors.ts'
import { action, type Context, type Runner } from './context.ts'

const readyMs = 30_000
const lookMs = 50

class NotBackError extends SpansyncError {
  constructor() {
    super({
      code: 'agent_not_back',
      message: 'this machine has its new key, but its agent has not come back with it',
      remedy: 'see its log, and start it: spansync run',
      retryable: true,
    })
  }
}

export function addRotateCommand(program: Command, runner: Runner): void {
  program
    .command('rotate')
    .description('replace the key of this machine; every member takes the new one in place of the old one')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe machine stays what it is to the others: only its fingerprint changes in their config.yaml. The old key is deleted here, and\n' +
        'shut out wherever this is heard: at once on members that are connected, on others when they are back, from this machine or\n' +
        'from any other that knows. A running agent starts anew by itself; what it is transferring goes on afterwards.\n' +
        'Whoever has stolen the old key could say the same of a key of his own. If two such claims are heard, both are shut out until\n' +
        'a member invites the right machine again (`spansync invite` there, `spansync join` here).\n' +
        '\nExample:\n  spansync rotate',
    )
    .action(
      action<[], { json?: boolean }>(runner, async (context, _args, { json }) => {
        const { name } = loadConfig(context.home)
        const { id, before } = await rotate(context)
        if (json) return context.printJson({ node: name, id, before })
        context.print(`${name} has a new key\nid: ${id}\nbefore: ${before}`)
      }),
    )
}

async function rotate(context: Context): Promise<Rotated> {
  try {
    const rotated = await context.control().rotate()
    await untilBack(context, rotated.id)
    return rotated
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
    return await rotateAlone(context)
  }
}

/** Without an agent: the next one shows the new key to everybody. */
async function rotateAlone({ home }: Context): Promise<Rotated> {
  const [{ lockHome }, { loadIdentity, replaceIdentity }, { loadRoster }] = await Promise.all([
    import('../control/lock.ts'),
    import('../transport/identity.ts'),
    import('../membership/roster-file.ts'),
  ])
  using _held = lockHome(home)
  const [list, { id }] = [loadRoster(home), await loadIdentity(home)]
  if (list !== undefined && !isRoomForHeir(list.roster, id)) throw new NoRoomForKeyError()
  const { before, after } = await replaceIdentity(home)
  return { id: after.id, before: before.id }
}

async function untilBack({ control }: Context, id: string): Promise<void> {
  for (const until = systemClock.now() + readyMs; systemClock.now() < until; ) {
    const found = await control()
      .status()
      .catch((error: unknown) => {
        // It is between two lives, or ends just now.
        if (error instanceof SpansyncError) return undefined
        throw error
      })
    if (found?.id === id) return
    await systemClock.sleep(lookMs)
  }
  throw new NotBackError()
}
