import { loadConfig } from '@spansync/common/config/file'
import { configFileOf } from '@spansync/common/config/home'
import type { FolderId } from '@spansync/common/core/causal/types'
import type { Status } from '@spansync/common/protocol/status'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Check } from '../control/api.ts'
import { checkMarker } from '../disk/marker.ts'
import type { Context } from './context.ts'
import { checkFiles, type Finding } from './doctor-files.ts'
import { checkFolderStates, checkJail, checkLinks } from './doctor-status.ts'
import { checkClock, checkWatches } from './doctor-system.ts'
import { checkUnison } from './doctor-unison.ts'

/** Every check that can be made; a check that needs what another has found broken is left out. With `fix`, what can be repaired safely
 *  is. */
export async function examine(context: Context, { fix }: { fix: boolean }): Promise<Check[]> {
  const { home } = context
  const configured = await attempt('config', `configuration ${configFileOf(home)}`, () => loadConfig(home))
  const checks = [configured.check, await checkIdentity(home), ...checkClock(Date.now())]
  const config = configured.value
  if (config === undefined) return checks
  const running = await attempt('daemon', 'agent running', () => context.control().status())
  return [
    ...checks,
    await checkUnison(config.unison.path),
    ...Object.entries(config.folders).map(([id, { path }]) => checkFolder(id as FolderId, path)),
    ...checkWatches(Object.values(config.folders).map(({ path }) => path)),
    ...(await settled(
      await checkFiles({ home, config, isRunning: running.value !== undefined, now: Date.now() }),
      fix,
    )),
    running.check,
    ...(running.value === undefined ? [] : await checkRunning(context, running.value)),
  ]
}

async function settled(findings: readonly Finding[], fix: boolean): Promise<Check[]> {
  const checks: Check[] = []
  for (const { check, repair } of findings) {
    if (!fix || repair === undefined || check.result === 'ok') checks.push(check)
    else checks.push((await attempt(check.id, check.title, repair, (done) => `${check.detail}: ${done}`)).check)
  }
  return checks
}

interface Attempt<T> {
  readonly check: Check
  readonly value?: T
}

/** Fails with the cause and the remedy of what is thrown. */
async function attempt<T>(
  id: string,
  title: string,
  run: () => T | Promise<T>,
  detail?: (value: T) => string,
): Promise<Attempt<T>> {
  try {
    const value = await run()
    return { check: { id, result: 'ok', title, ...(detail === undefined ? {} : { detail: detail(value) }) }, value }
  } catch (thrown) {
    return { check: failed(id, title, thrown) }
  }
}

function failed(id: string, title: string, thrown: unknown): Check {
  const { message, remedy } = toSpansyncError(thrown)
  return { id, result: 'fail', title, detail: message, remedy }
}

async function checkIdentity(home: string): Promise<Check> {
  const { loadIdentity } = await import('../transport/identity.ts')
  const { check } = await attempt(
    'identity',
    'identity, readable only by its owner',
    () => loadIdentity(home),
    ({ id }) => id,
  )
  return check
}

function checkFolder(id: FolderId, path: string): Check {
  const title = `folder ${id}`
  try {
    checkMarker(path, id)
    return { id: `folder.${id}`, result: 'ok', title, detail: path }
  } catch (thrown) {
    return failed(`folder.${id}`, title, thrown)
  }
}

/** What only the running agent knows; its own checks come last. */
async function checkRunning(context: Context, status: Status): Promise<Check[]> {
  const report = await attempt('agent', 'checks of the running agent', () => context.control().doctor())
  const own = report.value === undefined ? [report.check] : report.value.checks
  return [...checkLinks(status.links), ...checkFolderStates(status), ...checkJail(status), ...own]
}
