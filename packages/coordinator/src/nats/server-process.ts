import { open, readFile, truncate } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Clock } from '@spansync/common/ports'
import { errnoOf } from '@spansync/common/runtime/errors'
import { execa } from 'execa'

const longestLogBytes = 1024 * 1024
const pollMs = 1000
const fastPollMs = 20
const termMs = 5000

/** A nats-server, whoever started it. */
export interface ServerProcess {
  readonly pid: number
  /** Surely it, and not another process that has got its number since. */
  isRunning(): Promise<boolean>
  /** Resolves when it has ended; rejects with the signal's reason. */
  ended(signal: AbortSignal): Promise<void>
}

export interface StartOptions {
  readonly program: string
  readonly configFile: string
  readonly logFile: string
  readonly clock: Clock
}

/** Starts it so that it outlives this process: a coordinator that dies must not take the connections of all agents with it. Its output
 *  goes straight into the log file, for a pipe to a dead reader would kill it. */
export async function startProcess({ program, configFile, logFile, clock }: StartOptions): Promise<ServerProcess> {
  await using log = await open(logFile, 'a', 0o600)
  // The types know the smallest descriptors only.
  const fd = log.fd as 3
  const subprocess = execa(program, argumentsFor(configFile), {
    stdin: 'ignore',
    stdout: fd,
    stderr: fd,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
  })
  let isRunning = true
  const end = (): void => {
    isRunning = false
  }
  const over = subprocess.then(end, end)
  return {
    pid: subprocess.pid ?? 0,
    isRunning: async () => isRunning,
    ended: (signal) => untilTrue({ clock, everyMs: pollMs, signal, hint: over }, () => !isRunning),
  }
}

/** The server that runs with this configuration, as its pid file says; undefined when there is none. A pid may be somebody else's
 *  by now, so the command line decides. */
export async function findProcess(
  pidFile: string,
  { configFile, clock }: Pick<StartOptions, 'configFile' | 'clock'>,
): Promise<ServerProcess | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (!Number.isInteger(pid) || pid <= 1 || !(await isServer(pid, configFile))) return undefined
  const isRunning = (): Promise<boolean> => isServer(pid, configFile)
  const isGone = async (): Promise<boolean> => !(await isRunning())
  return { pid, isRunning, ended: (signal) => untilTrue({ clock, everyMs: pollMs, signal }, isGone) }
}

/** SIGTERM, and SIGKILL when that does not help within 5 s. */
export async function stopProcess(server: ServerProcess, clock: Clock): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await server.isRunning())) return
    sendSignal(server.pid, name)
    const limit = new AbortController()
    const late = clock.sleep(termMs, limit.signal).then(
      () => limit.abort(),
      () => undefined,
    )
    const isGone = async (): Promise<boolean> => !(await server.isRunning())
    await untilTrue({ clock, everyMs: fastPollMs, signal: limit.signal }, isGone).catch(() => undefined)
    limit.abort()
    await late
  }
}

/** False when there is no such process any more. */
export function sendSignal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    throw error
  }
}

/** nats-server writes at the end of the file wherever that is, so it can be cut while it runs. */
export async function cutLog(logFile: string): Promise<void> {
  const size = await logSize(logFile)
  if (size > longestLogBytes) await truncate(logFile, 0)
}

export async function logSize(logFile: string): Promise<number> {
  await using log = await open(logFile, 'a', 0o600)
  return (await log.stat()).size
}

/** What has been written since the file was `offset` bytes long. */
export async function logSince(logFile: string, offset: number): Promise<string> {
  const bytes = await readFile(logFile)
  return bytes.subarray(bytes.length < offset ? 0 : offset).toString('utf8')
}

/** Asks again and again; also as soon as `hint` resolves. Rejects with the signal's reason. */
export async function untilTrue(
  options: { clock: Clock; everyMs: number; signal: AbortSignal; hint?: Promise<unknown> },
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const { clock, everyMs, signal, hint } = options
  const hinted = new AbortController()
  void hint?.then(() => hinted.abort())
  for (;;) {
    signal.throwIfAborted()
    if (await condition()) return
    const wakers = hinted.signal.aborted ? signal : AbortSignal.any([signal, hinted.signal])
    await clock.sleep(everyMs, wakers).catch(() => undefined)
  }
}

function argumentsFor(configFile: string): string[] {
  return ['-c', configFile]
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

/** By the command line that `startProcess` gives it. A zombie has none. */
async function isServer(pid: number, configFile: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  const wanted = argumentsFor(configFile)
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const [program = '', ...rest] = text.split('\0')
    return basename(program).startsWith('nats-server') && wanted.every((argument, i) => rest[i] === argument)
  }
  const { stdout } = await execa('ps', ['-o', 'command=', '-p', String(pid)], { reject: false })
  return stdout?.includes(`nats-server ${wanted.join(' ')}`) ?? false
}
