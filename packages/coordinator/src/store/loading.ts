import { setImmediate } from 'node:timers/promises'
import type { z } from 'zod'
import type { Loaded } from './store.ts'

/** Parses what was read; what does not fit is counted and left out. Lets others run in between: ten thousand states take a while. */
export async function load<T>(
  schema: z.ZodType<T>,
  raw: Iterable<unknown> | AsyncIterable<unknown>,
  signal?: AbortSignal,
): Promise<Loaded<T>> {
  const items: T[] = []
  let dropped = 0
  let seen = 0
  for await (const value of raw) {
    if (++seen % parsedAtOnce === 0) await setImmediate(undefined, signal === undefined ? {} : { signal })
    const parsed = schema.safeParse(value)
    if (parsed.success) items.push(parsed.data)
    else dropped++
  }
  return { items, dropped }
}

const parsedAtOnce = 200

/** Undefined, which no schema accepts, when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The list in pieces: one statement or script must not hold up everybody else for long. */
export function* inChunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

/** Order of characters, the same in SQLite, Redis and on every machine. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
