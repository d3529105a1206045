import { type Paint, painter } from '@spansync/common/cli/table'
import type { SpansyncError } from '@spansync/common/runtime/errors'

export interface Terminal {
  readonly paint: Paint
  readonly print: (line?: string) => void
}

export function openTerminal(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  // https://no-color.org: any value but the empty one switches colours off.
  const paint = painter(stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb')
  return { paint, print: (line = '') => void stream.write(`${line}\n`) }
}

/** As the command line reports its errors. */
export function printError({ paint, print }: Terminal, error: SpansyncError): void {
  print(`${paint('red', 'error:')} ${error.message}`)
  print(`${paint('cyan', 'remedy:')} ${error.remedy}`)
}
