import { type ChildProcess, spawn } from 'node:child_process'
import { killAll, processTree } from './processes.ts'

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: string | Buffer
  readonly timeoutMs?: number
  /** Throw when the exit code is not 0. Default true. */
  readonly check?: boolean
}

export interface CommandResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly result: CommandResult

  constructor(argv: readonly string[], result: CommandResult, note = '') {
    const said = `${result.stderr}${result.stdout}`.trim()
    super(`${argv.join(' ')} ended with ${result.code ?? result.signal}${note}${said === '' ? '' : `:\n${said}`}`)
    this.result = result
  }
}

/** Runs to the end and collects the output. When the time is up the whole tree is killed and CommandError thrown. */
export async function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { env = process.env, cwd, input, timeoutMs = 60_000, check = true } = options
  const [program = '', ...rest] = argv
  const child = spawn(program, rest, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // A program that does not read its input is its own affair.
  child.stdin.end(input ?? '')
  let late = false
  const timer = setTimeout(() => {
    late = true
    const { pid } = child
    if (pid !== undefined) killAll(() => processTree(pid)).catch(() => child.kill('SIGKILL'))
  }, timeoutMs)
  try {
    const result = await collect(child)
    if (late) throw new CommandError(argv, result, ` after ${timeoutMs} ms without an end`)
    if (check && result.code !== 0) throw new CommandError(argv, result)
    return result
  } finally {
    clearTimeout(timer)
  }
}

function collect(child: ChildProcess): Promise<CommandResult> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}
