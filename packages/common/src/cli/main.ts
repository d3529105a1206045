import { toSpansyncError } from '../runtime/errors.ts'
import { type Environment, reportError } from './shell.ts'

/** How long what is still open may keep the process after the last word. */
const lingerMs = 2000

/** The whole of a program's process: runs its command line and sees to it that the process ends, never with 0 after an error. */
export async function runMain(
  runCommandLine: (args: readonly string[], environment: Environment) => Promise<number>,
): Promise<void> {
  // `spansync status | head -1`: the reader has had enough, which is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  const { env, stdout, stderr } = process
  const environment = { env, cwd: process.cwd(), stdout, stderr }
  // A fault somewhere in the background: whatever is kept on disk can be killed at any time, going on could do harm.
  process.on('uncaughtException', (error) => {
    reportError(environment, toSpansyncError(error))
    process.exit(1)
  })
  process.exitCode = await runCommandLine(process.argv.slice(2), environment)
  setTimeout(() => process.exit(), lingerMs).unref()
}
