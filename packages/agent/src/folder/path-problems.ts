import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Problem } from '@spansync/common/protocol/status'

const most = 1000

const remedies: Record<string, string> = {
  unreadable: 'make it readable for the user that runs spansync, or ignore it with `--ignore`',
  unsupported: 'only files, directories and symbolic links can be synchronised; ignore it, or move it elsewhere',
  name_taken: 'rename one of the two; on a machine whose disk tells such names apart both can be seen',
  bad_name: 'rename it: its name is not valid UTF-8, so other machines could not hold it',
}

/** What stands in the way of single paths, for `status`. At most 1000 are kept; more are only counted. */
export class PathProblems {
  readonly #problems = new Map<RelativePath, Problem>()
  #more = 0

  note(path: RelativePath, code: string, message: string): void {
    if (this.#problems.size >= most && !this.#problems.has(path)) {
      this.#more++
      return
    }
    const remedy = remedies[code] ?? 'it is tried again by itself'
    this.#problems.set(path, { code, message, remedy, path, retryable: true })
  }

  clear(path: RelativePath): void {
    this.#problems.delete(path)
  }

  get total(): number {
    return this.#problems.size + this.#more
  }

  list(limit: number): Problem[] {
    return [...this.#problems.values()].slice(0, limit)
  }
}
