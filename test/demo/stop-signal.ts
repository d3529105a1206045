import { InterruptedError } from './errors.ts'

/** Aborts at the first Ctrl-C or request to end, and when nobody reads any more what is printed. Further ones change nothing: ending
 *  the agents has its own deadline. */
export function stopSignal(stdout: NodeJS.WriteStream): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => controller.abort(new InterruptedError(name)))
  }
  stdout.on('error', () => controller.abort(new InterruptedError('the output was closed')))
  return controller.signal
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
