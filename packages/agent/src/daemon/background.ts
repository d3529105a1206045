/** Goes on until it is disposed of: then the signal aborts, which ends `work`, and its end is waited for. */
export function inBackground(work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const running = work(stop.signal).catch(() => undefined)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('stopping'))
      await running
    },
  }
}
