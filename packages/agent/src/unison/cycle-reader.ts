/** What Unison says at the end of a cycle. Items, not files: a new directory is one. A hint, since a file's name can look like this. */
export interface CycleResult {
  readonly transferred: number
  /** Conflicts and the like: left alone until told of again. */
  readonly skipped: number
  /** Unison tries these again by itself: at once, then after 5 s, 10 s and so on. */
  readonly failed: number
}

const nothingToDo = /^Nothing to do: /
const complete =
  /^Synchronization (?:in)?complete at .*\((\d+) items? transferred, (?:\d+ partially transferred, )?(\d+) skipped, (\d+) failed\)/

/** Finds the ends of cycles in the output of `-repeat watch`. Progress is written with carriage returns. */
export class CycleReader {
  readonly #onEnd: (result: CycleResult) => void
  #rest = ''

  constructor(onEnd: (result: CycleResult) => void) {
    this.#onEnd = onEnd
  }

  push(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]/)
    // A line that never ends must not grow for ever.
    this.#rest = (lines.pop() ?? '').slice(-10_000)
    for (const line of lines) this.#read(line)
  }

  #read(line: string): void {
    if (nothingToDo.test(line)) this.#onEnd({ transferred: 0, skipped: 0, failed: 0 })
    const [found, transferred, skipped, failed] = complete.exec(line) ?? []
    if (found === undefined) return
    this.#onEnd({ transferred: Number(transferred), skipped: Number(skipped), failed: Number(failed) })
  }
}
