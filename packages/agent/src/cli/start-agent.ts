import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spansync/common/runtime/clock'
import { SpansyncError } from '@spansync/common/runtime/errors'
import { connectControl } from '../control/client.ts'
import { NotRunningError } from '../control/errors.ts'

const readyMs = 30_000
const otherMs = 3000
const lookMs = 50

class AgentNotStartedError extends SpansyncError {
  constructor(log: string, { error, remedy }: Said) {
    super({
      code: 'agent_not_started',
      message: `the agent did not start${error === '' ? '' : `: ${error}`}`,
      remedy: remedy || `see ${log}, or start it yourself to see what it says: spansync run`,
      retryable: true,
    })
  }
}

interface Said {
  readonly error: string
  readonly remedy: string
}

/** Starts the agent of this home in the background, as `spansync run` would, unless it runs; its log goes to `agent.log` there. Resolves
 *  when it answers. Throws AgentNotStartedError. */
export async function startAgent({
  home,
  env,
}: {
  home: string
  env: NodeJS.ProcessEnv
}): Promise<'started' | 'running'> {
  if (await isRunning(home)) return 'running'
  const log = join(home, 'agent.log')
  const output = openSync(log, 'a', 0o600)
  const from = fstatSync(output).size
  const main = fileURLToPath(new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
  const argv = [...process.execArgv, main, '--home', home, 'run']
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', output, output], env, cwd: home })
  closeSync(output)
  const end = (): void => {
    // One that a service manager has started in the same moment may be on its way.
    until = Math.min(until, systemClock.now() + otherMs)
  }
  let until = systemClock.now() + readyMs
  once(child, 'exit').then(end, end)
  child.unref()
  while (!(await isRunning(home))) {
    if (systemClock.now() > until) throw new AgentNotStartedError(log, saidSince(log, from))
    await systemClock.sleep(lookMs)
  }
  return 'started'
}

async function isRunning(home: string): Promise<boolean> {
  try {
    await connectControl(home).status()
    return true
  } catch (error) {
    if (error instanceof NotRunningError) return false
    throw error
  }
}

/** Why it ended, in its own words. */
function saidSince(log: string, from: number): Said {
  const lines = readFileSync(log).subarray(from).toString('utf8').split('\n')
  const after = (start: string): string => lines.findLast((line) => line.startsWith(start))?.slice(start.length) ?? ''
  return { error: after('error: '), remedy: after('remedy: ') }
}
