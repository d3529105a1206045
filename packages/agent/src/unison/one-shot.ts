import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Clock } from '@spansync/common/ports'
import { oneShotArguments, type PairPreferences, remoteRootOf, unisonEnvironment, type Way } from './arguments.ts'
import { type Bridge, openBridge } from './bridge.ts'
import { type Child, type ChildEnding, searchPath, startChild, type Wrap, wrapped } from './child.ts'
import { type Outcome, outcomeOf, type Reason, reasonOf, worse } from './outcome.ts'
import { countEntries, type PlannedRun, pathsOf, planRuns } from './plan-runs.ts'
import type { UnisonBinary } from './version.ts'
import { Watchdog } from './watchdog.ts'

export interface OneShotOptions {
  readonly unison: UnisonBinary
  readonly localRoot: string
  readonly localNodeId: string
  /** Of this pair alone (`pairDirectory`); made when missing. */
  readonly unisonDir: string
  /** Opens a stream to a `serveUnison` for the same folder; once per run. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>
  /** Relative, `/` between names. Both names of a rename; a directory that the receiver does not have stands for all in it. '' is the
   *  root. */
  readonly paths: readonly string[]
  /** Those among them that are directories with more in them than the paths say. */
  readonly wholes?: ReadonlySet<string> | undefined
  readonly way: Way
  /** As Unison writes them: `Regex …`, `Name …`. */
  readonly ignore: readonly string[]
  readonly preferences?: PairPreferences | undefined
  /** See ClientSettings. */
  readonly noDeletion?: boolean | undefined
  /** Where this host keeps what is overwritten here; the peer has its own (`serveUnison`). Without it nothing is kept on either. */
  readonly backupDir?: string | undefined
  /** Read contents instead of trusting sizes and times. */
  readonly rescan?: boolean | undefined
  /** Go by what both hosts have now, whatever is remembered of the pair. */
  readonly ignoreArchives?: boolean | undefined
  /** A directory as wide as the peer's, where that is not the local root. */
  readonly entriesLike?: string | undefined
  /** Asked before each process; false: the caller's ground for these paths has changed, and nothing more is run. */
  readonly mayGoOn?: ((paths: readonly string[]) => Promise<boolean>) | undefined
  /** Longest silence on the stream; see `silenceAllowedMs`. */
  readonly watchdogMs: number
  readonly wrap?: Wrap | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface RunResult {
  /** Of the last process; null when it was ended by force or did not start. */
  readonly exit: number | null
  /** The worst of all processes. */
  readonly outcome: Outcome
  readonly reason: Reason
  readonly outputTail: string
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly durationMs: number
  /** What stood in the way and was put right. */
  readonly cured: readonly Cure[]
}
export type Cure = 'locked' | 'archive_lost'

/** Runs Unison on exactly these paths, in several processes one after the other when they are too many for one command line, and
 *  says how it went; whether the contents are right is for the caller to check. The caller holds the pair's mutex at both ends: so a
 *  lock in the way is a dead one, and the run is repeated without regard to it. Archives that do not belong together are left to
 *  the caller (`forgetPair` on both hosts) when Unison would decide by them, and begun anew when the caller dictates. Rejects with the
 *  error of `connect`, or the signal's reason. */
export async function runOneShot(options: OneShotOptions): Promise<RunResult> {
  const { localRoot, entriesLike = localRoot, unisonDir, backupDir, paths, wholes, clock } = options
  await mkdir(unisonDir, { recursive: true, mode: 0o700 })
  if (backupDir !== undefined) await mkdir(backupDir, { recursive: true, mode: 0o700 })
  const begun = clock.now()
  let total: RunResult = { ...nothing }
  const entriesIn = await countEntries(entriesLike, paths)
  for (const run of planRuns(paths, { entriesIn, wholes })) {
    if ((await options.mayGoOn?.(pathsOf(run))) === false)
      return { ...add(total, disturbed), durationMs: clock.now() - begun }
    total = add(total, await runWithCures(options, run))
    if (!['done', 'skipped', 'failed'].includes(total.outcome)) break
  }
  return { ...total, durationMs: clock.now() - begun }
}

const nothing: RunResult = {
  exit: 0,
  outcome: 'done',
  reason: 'unknown',
  outputTail: '',
  sentBytes: 0,
  receivedBytes: 0,
  durationMs: 0,
  cured: [],
}

const disturbed: RunResult = { ...nothing, exit: null, outcome: 'failed', reason: 'destination_changed' }

async function runWithCures(options: OneShotOptions, run: PlannedRun): Promise<RunResult> {
  let result = await runProcess(options, { run, cures: [] })
  const cures: Cure[] = []
  for (
    let cure = cureFor(result, options.way);
    cure !== undefined && !cures.includes(cure);
    cure = cureFor(result, options.way)
  ) {
    cures.push(cure)
    const again = await runProcess(options, { run, cures })
    result = { ...add(result, again), outcome: again.outcome, cured: [...cures] }
  }
  return result
}

function cureFor({ outcome }: RunResult, way: Way): Cure | undefined {
  if (outcome === 'locked') return 'locked'
  return outcome === 'archive_lost' && way.kind === 'force' ? 'archive_lost' : undefined
}

function add(before: RunResult, now: RunResult): RunResult {
  const outcome = worse(before.outcome, now.outcome)
  const worst = outcome === before.outcome && outcome !== now.outcome ? before : now
  return {
    exit: now.exit,
    outcome,
    reason: worst.reason,
    outputTail: worst.outputTail,
    sentBytes: before.sentBytes + now.sentBytes,
    receivedBytes: before.receivedBytes + now.receivedBytes,
    durationMs: before.durationMs + now.durationMs,
    cured: [...before.cured, ...now.cured],
  }
}

interface Process {
  readonly run: PlannedRun
  readonly cures: readonly Cure[]
}

async function runProcess(options: OneShotOptions, process: Process): Promise<RunResult> {
  const { connect, watchdogMs, clock, signal } = options
  signal.throwIfAborted()
  const begun = clock.now()
  const watchdog = new Watchdog({ clock, ms: watchdogMs, bark: () => child.kill() })
  await using bridge = await openBridge({ connect, clock, onProgress: () => watchdog.feed(), signal })
  const child = startClient(options, { ...process, bridge })
  watchdog.start()
  const { exit, outputTail } = await endOf(child, { bridge, signal }).finally(() => watchdog.stop())
  const { sent: sentBytes, received: receivedBytes } = bridge.traffic()
  const outcome = watchdog.hasBarked ? 'stalled' : outcomeOf(exit, outputTail)
  const counts = { sentBytes, receivedBytes, durationMs: clock.now() - begun }
  return { exit, outcome, reason: reasonOf(outputTail), outputTail, ...counts, cured: [] }
}

function startClient(options: OneShotOptions, { run, cures, bridge }: Process & { readonly bridge: Bridge }): Child {
  const { unison, localNodeId, unisonDir, way, backupDir, wrap } = options
  const argv = oneShotArguments({
    ...options,
    remoteRoot: remoteRootOf(bridge.socketPath),
    run,
    backup: backupDir !== undefined,
    ignoreLocks: cures.includes('locked'),
    ignoreArchives: options.ignoreArchives || cures.includes('archive_lost'),
  })
  const own = { nodeId: localNodeId, unisonDir, home: unisonDir, backupDir, bulk: way.bulk, searchPath: searchPath() }
  return startChild({
    argv: wrapped([unison.path, ...argv], wrap, [dirname(bridge.socketPath)]),
    environment: unisonEnvironment(own),
    cwd: unisonDir,
    input: false,
    monitor: false,
  })
}

async function endOf(child: Child, { bridge, signal }: { bridge: Bridge; signal: AbortSignal }): Promise<ChildEnding> {
  let refused: { readonly error: unknown } | undefined
  bridge.connected.catch((error) => {
    refused = { error }
    child.kill()
  })
  signal.addEventListener('abort', child.kill, { once: true })
  if (signal.aborted) child.kill()
  const ending = await child.ended
  signal.removeEventListener('abort', child.kill)
  signal.throwIfAborted()
  if (refused) throw refused.error
  return ending
}
