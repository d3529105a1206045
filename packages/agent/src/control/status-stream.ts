import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { statusSchema } from '@spansync/common/protocol/status'
import type { RouteContext } from './routes.ts'

/** People cannot read faster, and a busy sync changes the status thousands of times a second. */
const shortestIntervalMs = 100

/** One line of JSON now and after every change, until the reader goes. Changes that come while a line is made or waits to be read
 *  are merged into one. */
export async function streamStatus(
  context: RouteContext,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const changes = new Changes()
  const unsubscribe = context.handlers.onStatusChange(() => changes.mark())
  const wake = (): void => changes.mark()
  signal.addEventListener('abort', wake)
  try {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' })
    while (!signal.aborted) {
      const line = JSON.stringify(statusSchema.parse(await context.handlers.status()))
      if (!response.write(`${line}\n`)) await once(response, 'drain', { signal })
      await context.clock.sleep(shortestIntervalMs, signal)
      await changes.next()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', wake)
    response.end()
  }
}

/** A flag that can be waited for. */
class Changes {
  #marked = false
  #wake: (() => void) | undefined

  mark(): void {
    this.#marked = true
    this.#wake?.()
  }

  /** Resolves when something was marked since the last call. */
  async next(): Promise<void> {
    if (!this.#marked) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#marked = false
    this.#wake = undefined
  }
}
