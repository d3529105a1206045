import type { Writable } from 'node:stream'

/** The far end of a stream takes no more. */
export class HungUpError extends Error {
  constructor() {
    super('the receiver hung up')
  }
}

/** Waits for the receiver when it is slower. Rejects with a HungUpError. */
export async function write(stream: Writable, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (stream.destroyed || signal.aborted) throw new HungUpError()
  if (stream.write(bytes)) return
  const done = Promise.withResolvers<void>()
  const stop = (): void => done.reject(new HungUpError())
  const events = [
    ['drain', done.resolve],
    ['close', stop],
  ] as const
  for (const [event, listener] of events) stream.once(event, listener)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await done.promise
  } finally {
    for (const [event, listener] of events) stream.off(event, listener)
    signal.removeEventListener('abort', stop)
  }
}
