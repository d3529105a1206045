import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command.ts'
import { inNamespace, killAll, networkNamespace, type ProcessInfo } from './processes.ts'
import { until } from './until.ts'

const holderScript = fileURLToPath(new URL('./holder.sh', import.meta.url))

/** A network namespace without a name, held open by one small shell that outlives nobody: it ends with its input. */
export class Namespace implements AsyncDisposable {
  readonly pid: number
  readonly id: string
  private readonly holder: ChildProcess

  private constructor(holder: ChildProcess, pid: number, id: string) {
    this.holder = holder
    this.pid = pid
    this.id = id
  }

  /** `directory` is removed when the last holder of the lab ends; '' keeps it. */
  static async create(directory: string): Promise<Namespace> {
    // Detached: Ctrl-C on the terminal must reach the test first, the holder only through its input.
    const holder = spawn('unshare', ['--net', 'sh', holderScript, directory, networkNamespace('self') ?? ''], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    const [first] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')])) as [unknown]
    const { pid } = holder
    const id = pid === undefined ? undefined : networkNamespace(pid)
    if (
      pid === undefined ||
      id === undefined ||
      id === networkNamespace('self') ||
      !String(first).startsWith('ready')
    ) {
      throw new Error(`no network namespace could be made (unshare ended with ${String(first)})`)
    }
    return new Namespace(holder, pid, id)
  }

  /** The words to put before a program so that it runs inside. They replace themselves with it, so the child's pid is the program's.
   *  The program is killed when the thread that started it ends. */
  get prefix(): string[] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`, '--', 'setpriv', '--pdeathsig', 'KILL', '--']
  }

  async run(...argv: string[]): Promise<string> {
    return (await runCommand(['nsenter', `--net=/proc/${this.pid}/ns/net`, '--', ...argv])).stdout
  }

  /** Bytes over one of its interfaces since that was made, as the kernel counts them: with all headers. */
  traffic(device: string): { readonly received: number; readonly sent: number } {
    const lines = readFileSync(`/proc/${this.pid}/net/dev`, 'latin1').split('\n')
    const line = lines.find((candidate) => candidate.trim().startsWith(`${device}:`)) ?? ''
    const fields = line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
    return { received: Number(fields[0]), sent: Number(fields[8]) }
  }

  /** Everything inside but the holder. */
  processes(): ProcessInfo[] {
    return inNamespace(this.id).filter(({ pid, parent }) => pid !== this.pid && parent !== this.pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killAll(() => this.processes())
    this.holder.stdin?.end()
    if (this.holder.exitCode === null && this.holder.signalCode === null) await once(this.holder, 'exit')
    await until(() => inNamespace(this.id).length === 0, { deadlineMs: 5000, what: `namespace ${this.id} is empty` })
  }
}
