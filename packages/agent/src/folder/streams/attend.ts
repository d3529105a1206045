import type { Duplex } from 'node:stream'
import type { Clock } from '@spansync/common/ports'
import { SilenceAlarm, silenceMs } from './silence.ts'

/** Does `work` with a stream, which ends when the signal aborts, when nothing has been fed for too long, or when the work fails. */
export async function attend<T>(
  stream: Duplex,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  work: (feed: () => void) => Promise<T>,
): Promise<T> {
  const alarm = new SilenceAlarm(clock, silenceMs, () => stream.destroy(new Error('nothing came for too long')))
  const stop = (): void => void stream.destroy(new Error('no longer wanted'))
  // What ends it is seen where it is read.
  stream.on('error', () => undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await work(() => alarm.feed())
  } catch (error) {
    stream.destroy(error instanceof Error ? error : undefined)
    throw error
  } finally {
    alarm.end()
    signal.removeEventListener('abort', stop)
  }
}
