import { mkdir } from 'node:fs/promises'
import { openBridge } from './bridge.ts'
import { installMonitorHelper } from './monitor-helper.ts'
import { type PersistentOptions, PersistentRun } from './persistent-run.ts'

/** Starts the long-lived run of a pair. It scans all of its scope first and synchronises what differs, as a plain run would: with an
 *  archive that knows the files that costs a look at each, without one the contents of all of them are compared (62 bytes a file in
 *  each direction). Rejects with the error of `connect`, or the signal's reason. */
export async function openPersistent(options: PersistentOptions): Promise<PersistentRun> {
  const { unison, unisonDir, backupDir, connect, clock, signal } = options
  await mkdir(unisonDir, { recursive: true, mode: 0o700 })
  if (backupDir !== undefined) await mkdir(backupDir, { recursive: true, mode: 0o700 })
  const monitorDir = await installMonitorHelper(unisonDir, unison.series)
  const run = new PersistentRun(options)
  const bridge = await openBridge({ connect, clock, onProgress: () => run.moved(), signal })
  try {
    await run.start(bridge, monitorDir)
    await bridge.connected
    return run
  } catch (error) {
    await run.close()
    throw error
  }
}
