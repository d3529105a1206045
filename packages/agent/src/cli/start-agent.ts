import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spansync/common/runtime/clock'
import { SpansyncError } from '@spansync/common/runtime/errors'
import { connectControl } from '../control/client.ts'
import { NotRunningError } from '../control/errors.ts'

const readyMs = 30_000
const lookMs = 50

class AgentNotStartedError extends SpansyncError {
  constructor(log: string, last: string) {
    super({
      code: 'agent_not_started',
      message: `the agent did not start${last === '' ? '' : `: ${last}`}`,
      remedy: `see ${log}, or start it yourself to see what it says: spansync run`,
      retryable: true,
    })
  }
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
  const main = fileURLToPath(new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
  const argv = [...process.execArgv, main, '--home', home, 'run']
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', output, output], env, cwd: home })
  closeSync(output)
  let ended = false
  once(child, 'exit').then(
    () => {
      ended = true
    },
    () => {
      ended = true
    },
  )
  child.unref()
  const until = systemClock.now() + readyMs
  while (!(await isRunning(home))) {
    if (ended || systemClock.now() > until) throw new AgentNotStartedError(log, lastError(log))
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

/** What the command printed before it ended. */
function lastError(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  return lines.findLast((line) => line.startsWith('error: '))?.slice('error: '.length) ?? ''
}
