import type { Duplex, Readable, Writable } from 'node:stream'
import { messageOf } from '@spansync/common/runtime/errors'
import { execa } from 'execa'
import { OutputTail } from './output-tail.ts'

/** Puts another program in front, such as a jail; gets and gives argv. `also`: directories that are made for this process alone. */
export type Wrap = (argv: readonly string[], also: readonly string[]) => readonly string[]

export interface ChildOptions {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
  /** With a pipe on its stdin. Otherwise stdin is empty. */
  readonly input: boolean
  /** With a fourth pipe, which the file monitor inherits. */
  readonly monitor: boolean
  readonly onOutput?: ((text: string) => void) | undefined
}

export interface ChildEnding {
  /** null: a signal, or it never started. */
  readonly exit: number | null
  readonly signal: string | null
  /** The last few kilobytes of what it printed; for the serving side only its stderr. */
  readonly outputTail: string
}

/** A Unison process, leader of its own group, so that its helpers die with it. It ends by itself when this process dies: its
 *  connection and its monitor's pipe close. */
export interface Child {
  readonly pid: number | undefined
  readonly stdin: Writable | null
  readonly stdout: Readable
  readonly monitor: Duplex | undefined
  /** Never rejects. */
  readonly ended: Promise<ChildEnding>
  /** The whole group, at once. An archive lock that stays behind is cured by the next run. */
  kill(): void
}

export function startChild({ argv, environment, cwd, input, monitor, onOutput }: ChildOptions): Child {
  const [file = '', ...rest] = argv
  const stdio = [
    input ? ('pipe' as const) : ('ignore' as const),
    'pipe' as const,
    'pipe' as const,
    ...(monitor ? (['pipe'] as const) : []),
  ] as const
  const subprocess = execa(file, rest, {
    stdio: [...stdio],
    env: environment,
    extendEnv: false,
    cwd,
    buffer: false,
    reject: false,
    stripFinalNewline: false,
    killDescendants: true,
  })
  const { nodeChildProcess } = subprocess
  const tail = new OutputTail()
  const read = (chunk: Buffer): void => {
    tail.push(chunk)
    onOutput?.(chunk.toString('latin1'))
  }
  nodeChildProcess.stderr?.on('data', read)
  if (!input) nodeChildProcess.stdout?.on('data', read)
  const third = nodeChildProcess.stdio[3] as Duplex | undefined
  // What its end of the pipe says when it dies is of no interest: `ended` tells.
  third?.on('error', ignore)
  nodeChildProcess.stdin?.on('error', ignore)
  // The monitor's helpers hold the pipe, and execa waits for it.
  let isOver = false
  nodeChildProcess.once('exit', () => {
    isOver = true
    third?.destroy()
  })
  const ended = subprocess.then(
    (result): ChildEnding => ({
      exit: result.exitCode ?? null,
      signal: result.signal ?? null,
      outputTail: tail.text || (result.exitCode === undefined && result.signal === undefined ? messageOf(result) : ''),
    }),
    (error): ChildEnding => ({ exit: null, signal: null, outputTail: messageOf(error) }),
  )
  return {
    pid: subprocess.pid,
    stdin: nodeChildProcess.stdin,
    stdout: nodeChildProcess.stdout as Readable,
    monitor: third,
    ended,
    // Not after its end: the number may be somebody else's by then.
    kill: () => {
      if (!isOver) subprocess.kill('SIGKILL')
    },
  }
}

/** Where Unison's helpers (sh, cat) are found: as for this process. */
export function searchPath(): string | undefined {
  return process.env.PATH
}

/** argv as it will run. */
export function wrapped(
  argv: readonly string[],
  wrap: Wrap | undefined,
  also: readonly string[] = [],
): readonly string[] {
  return wrap === undefined ? argv : wrap(argv, also)
}

function ignore(): void {}
