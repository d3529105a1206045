import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface EditQuestion {
  readonly kind: 'edit'
  readonly roots: readonly string[]
  readonly path: string
  /** As latin1. */
  readonly content: string
  readonly deadlineMs: number
}

interface Since {
  readonly roots: readonly string[]
  readonly deadlineMs: number
  /** When the clock started: milliseconds since 1970, with fractions. */
  readonly since: number
}

export interface TreeQuestion extends Since {
  readonly kind: 'tree'
  readonly directories: readonly string[]
  readonly filesEach: number
}

export interface FilesQuestion extends Since {
  readonly kind: 'files'
  readonly sizes: Readonly<Record<string, number>>
}

export type Question = EditQuestion | TreeQuestion | FilesQuestion

/** `ms`: how long it took; absent when the deadline passed. */
export interface Answer {
  readonly ms: number | undefined
}

export const wallNow = (): number => performance.timeOrigin + performance.now()

/** Asks the probe process, one question at a time. */
export class Prober implements AsyncDisposable {
  private readonly child: ChildProcess = fork(fileURLToPath(new URL('./probe.ts', import.meta.url)))

  async ask(question: Question): Promise<number | undefined> {
    this.child.send(question)
    const [answer] = (await once(this.child, 'message')) as [Answer]
    return answer.ms
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.disconnect()
    await ended
  }
}
