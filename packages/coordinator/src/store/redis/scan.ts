import type { RedisConnection } from './redis-connection.ts'

// Fields per step of the server, which serves nobody else during one.
const step = 200

/** The whole hash, in steps. What is there from beginning to end is found; a field that is seen twice counts once. */
export async function scanHash(
  connection: RedisConnection,
  key: string,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let cursor = '0'
  do {
    const at = cursor
    const [next, flat] = await connection.run(signal, (redis) => redis.hscan(key, at, 'COUNT', step))
    for (let index = 0; index + 1 < flat.length; index += 2) found.set(flat[index] ?? '', flat[index + 1] ?? '')
    cursor = next
  } while (cursor !== '0')
  return found
}
