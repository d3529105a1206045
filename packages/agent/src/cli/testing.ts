import { Writable } from 'node:stream'
import { runCommandLine } from './program.ts'

// For tests: a command line run inside this process.

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Place {
  readonly home: string
  readonly cwd: string
}

/** What a person would see, and the exit code. */
export async function runHere({ home, cwd }: Place, args: readonly string[]): Promise<Outcome> {
  const out: string[] = []
  const err: string[] = []
  const environment = { env: { SPANSYNC_HOME: home }, cwd, stdout: sink(out), stderr: sink(err) }
  const code = await runCommandLine(args, environment)
  return { code, out: out.join(''), err: err.join('') }
}

function sink(into: string[]): NodeJS.WriteStream {
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      into.push(chunk.toString())
      done()
    },
  })
  return stream as unknown as NodeJS.WriteStream
}
