import { chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

// The user that owns nothing, by long custom.
const nobody = 65_534

/** Runs `work` as somebody whom permissions stop; root is stopped by none. What is in `directory` is theirs from then on. Only the main
 *  thread of a process can do that. */
export async function asUnprivileged(directory: string, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return await work()
  for (const name of readdirSync(directory, { recursive: true }))
    chownSync(join(directory, String(name)), nobody, nobody)
  chownSync(directory, nobody, nobody)
  process.seteuid?.(nobody)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}
