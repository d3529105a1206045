import { mkdir } from 'node:fs/promises'
import { type Duplex, pipeline } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Clock } from '@spansync/common/ports'
import { serverArguments, unisonEnvironment } from './arguments.ts'
import { endGently } from './bridge.ts'
import { type ChildEnding, searchPath, startChild, type Wrap, wrapped } from './child.ts'
import { installMonitorHelper } from './monitor-helper.ts'
import type { MonitorStandIn } from './monitor-stand-in.ts'
import type { UnisonBinary } from './version.ts'

export interface ServeOptions {
  readonly unison: UnisonBinary
  /** Absolute. Whatever the client asks for, it gets this one: the server starts there and the client asks for its start. */
  readonly root: string
  /** Of this pair alone (`pairDirectory`); made when missing. */
  readonly unisonDir: string
  readonly nodeId: string
  /** Where this host keeps what is overwritten here; made when missing. */
  readonly backupDir?: string | undefined
  /** The client's side, as the link gives it. Ended when the server has ended. */
  readonly stream: Duplex
  /** For a long-lived client: how this side says what changed. */
  readonly monitor?: MonitorStandIn | undefined
  /** The client was started for many files. */
  readonly bulk?: boolean | undefined
  /** A jail. It has to pass descriptor 3 and the directories above. */
  readonly wrap?: Wrap | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** For a server that reads a big file and does not see that its client is gone. */
const graceMs = 2000

/** Serves one Unison client over a stream, with a process of its own. Resolves when that has ended, however it did: with exit 0 when
 *  the client said goodbye. Ended by force when the signal aborts, and a little after the stream is gone. Rejects only when the
 *  directories cannot be made. */
export async function serveUnison(options: ServeOptions): Promise<ChildEnding> {
  const { unison, root, unisonDir, nodeId, backupDir, stream, monitor, bulk, wrap, clock, signal } = options
  stream.on('error', ignore)
  const monitorDir = await prepare(options)
  const child = startChild({
    argv: wrapped([unison.path, ...serverArguments], wrap),
    environment: unisonEnvironment({
      nodeId,
      unisonDir,
      home: root,
      backupDir,
      monitorDir,
      bulk,
      searchPath: searchPath(),
    }),
    cwd: unisonDir,
    input: true,
    monitor: monitor !== undefined,
  })
  if (child.monitor) monitor?.attach(child.monitor)
  const kill = (): void => child.kill()
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  if (child.stdin) pipeline(stream, child.stdin, ignore)
  pipeline(child.stdout, stream, ignore)
  const over = new AbortController()
  killWhenGone(stream, { clock, kill, signal: over.signal }).catch(ignore)
  try {
    return await child.ended
  } finally {
    over.abort()
    signal.removeEventListener('abort', kill)
    monitor?.close()
    // What the server said last may still be on its way.
    if (signal.aborted) stream.destroy()
    else endGently(stream, clock).catch(ignore)
  }
}

async function prepare({ unison, unisonDir, backupDir, monitor }: ServeOptions): Promise<string | undefined> {
  await mkdir(unisonDir, { recursive: true, mode: 0o700 })
  if (backupDir !== undefined) await mkdir(backupDir, { recursive: true, mode: 0o700 })
  return monitor === undefined ? undefined : await installMonitorHelper(unisonDir, unison.series)
}

async function killWhenGone(
  stream: Duplex,
  { clock, kill, signal }: { clock: Clock; kill: () => void; signal: AbortSignal },
): Promise<void> {
  // Its end or its failure: either way no request comes any more.
  await finished(stream, { writable: false }).catch(ignore)
  await clock.sleep(graceMs, signal)
  kill()
}

function ignore(): void {}
