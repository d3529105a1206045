import { createHash } from 'node:crypto'
import type { Writer } from '../store.ts'

/** A Lua script, which Redis carries out as one step. Sent by its hash. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** A script that writes for a leader: KEYS[1] is the newest epoch, ARGV[1] the writer's, empty for a person. Not `newest > ours`: an epoch
 *  from before the server lost its memory does not lead either. */
export function fencedScript(text: string): Script {
  return script(`
if ARGV[1] ~= '' then
  local newest = redis.call('GET', KEYS[1]) or '0'
  if newest ~= ARGV[1] then return redis.error_reply('FENCED ' .. ARGV[1] .. ' ' .. newest) end
end
${text}`)
}

/** ARGV[1] of a fenced script. */
export function fenceOf(by: Writer): string {
  return by === 'person' ? '' : String(by)
}

export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
