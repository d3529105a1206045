import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface RedisServerOptions {
  /** Default 127.0.0.1. */
  readonly bind?: string
  /** Default: a free one. */
  readonly port?: number
  /** Keep what is written over a restart. Default false. */
  readonly appendOnly?: boolean
  /** More of redis-server's, such as `--requirepass` and the password. */
  readonly args?: readonly string[]
  /** Put before the command, such as `nsenter` with the namespace to run it in. It has to end in an exec, so that the pid stays. */
  readonly wrapper?: readonly string[]
  readonly program?: string
  /** For every start. Default 30 s. */
  readonly deadlineMs?: number
}

// Somebody else may take the free port before the server does.
const mostPorts = 5

/** A redis-server of one's own, answering already. It keeps nothing unless `appendOnly`. Its files are removed with it. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const server = new RedisServer(options, options.port ?? (await freePort(options.bind)))
    try {
      await server.start()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      const isTaken = error instanceof Error && error.message.includes('Address already in use')
      if (!isTaken || options.port !== undefined || attempt === mostPorts) throw error
    }
  }
}

export class RedisServer implements AsyncDisposable {
  readonly port: number
  readonly directory: string
  readonly #options: RedisServerOptions
  #child: ChildProcess | undefined
  #output = ''
  /** A test run that ends early must not leave it behind. */
  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL')

  constructor(options: RedisServerOptions, port: number) {
    this.#options = options
    this.port = port
    this.directory = mkdtempSync(join(tmpdir(), 'spansync-redis-'))
  }

  get url(): string {
    return `redis://${this.#options.bind ?? '127.0.0.1'}:${this.port}`
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('redis-server is not running')
    return pid
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const [program = '', ...args] = this.#command()
    const child = spawn(program, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    process.once('exit', this.#killAtExit)
    this.#output = ''
    const deadline = AbortSignal.timeout(this.#options.deadlineMs ?? 30_000)
    try {
      await this.#ready(child, deadline)
      await this.#pong(deadline)
    } catch (error) {
      throw new Error(`redis-server did not start: ${this.#output.slice(-2000)}`, { cause: error })
    }
  }

  /** SIGTERM lets it save what it keeps; SIGKILL is a crash. Resolves when it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    process.removeListener('exit', this.#killAtExit)
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    // One that was halted ends only when it goes on.
    child.kill('SIGCONT')
    await ended
  }

  /** SIGSTOP: it keeps its connections and answers nobody, until `resume`. */
  halt(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  #command(): string[] {
    const { bind = '127.0.0.1', appendOnly = false, args = [], wrapper = [], program = 'redis-server' } = this.#options
    const flags = {
      bind,
      port: String(this.port),
      dir: this.directory,
      save: '',
      appendonly: appendOnly ? 'yes' : 'no',
      unixsocket: this.#socket,
    }
    return [...wrapper, program, ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]), ...args]
  }

  /** It is asked here, because it may be in a network that cannot be reached from this process. */
  get #socket(): string {
    return join(this.directory, 'redis.sock')
  }

  #ready(child: ChildProcess, deadline: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      deadline.addEventListener('abort', () => reject(deadline.reason), { once: true })
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`ended with ${code ?? signal}`)))
      const read = (chunk: Buffer): void => {
        this.#output = (this.#output + chunk.toString()).slice(-10_000)
        if (this.#output.includes('eady to accept connections')) resolve()
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
    })
  }

  async #pong(deadline: AbortSignal): Promise<void> {
    const socket = connect(this.#socket)
    try {
      socket.write('PING\r\n')
      const [answer] = (await once(socket, 'data', { signal: deadline })) as [Buffer]
      // A server with a password answers too.
      if (!/^\+PONG|^-NOAUTH/.test(answer.toString())) throw new Error(`PING was answered with ${answer.toString()}`)
    } finally {
      socket.destroy()
    }
  }
}
