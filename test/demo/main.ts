import { setMaxListeners } from 'node:events'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import { runCheck } from './check/check.ts'
import { help, parseOptions } from './options.ts'
import { DemoPlaces } from './places.ts'
import { runShow } from './show.ts'
import { stopSignal } from './stop-signal.ts'
import { openTerminal, printError } from './terminal.ts'

async function main(args: readonly string[]): Promise<number> {
  const terminal = openTerminal(process.stdout, process.env)
  try {
    const options = parseOptions(args)
    if (options.help) {
      terminal.print(help.trimEnd())
      return 0
    }
    const signal = stopSignal(process.stdout)
    // Everything that waits listens to it.
    setMaxListeners(0, signal)
    const places = new DemoPlaces(options.directory)
    return await (options.check ? runCheck : runShow)({ places, terminal, signal })
  } catch (error) {
    const problem = toSpansyncError(error)
    printError(openTerminal(process.stderr, process.env), problem)
    if (process.env.SPANSYNC_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return problem.exitCode
  }
}

process.exitCode = await main(process.argv.slice(2))
