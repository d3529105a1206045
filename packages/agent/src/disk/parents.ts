import { join } from 'node:path'
import { lstat } from './stat.ts'

/** What stands above a path: real directories all the way (`real`), something missing or no directory (`absent`), or a symbolic
 *  link, through which nothing is ever reached: it may lead out of the folder. */
export type Parents = 'real' | 'absent' | 'link'

/** Answers for many paths with one lstat per directory. For one batch only: it remembers. */
export class ParentGuard {
  readonly #root: string
  readonly #known = new Map<string, Parents>([['', 'real']])

  constructor(root: string) {
    this.#root = root
  }

  /** Throws what lstat throws, such as EACCES. */
  above(path: string): Parents {
    const slash = path.lastIndexOf('/')
    return slash < 0 ? 'real' : this.#directory(path.slice(0, slash))
  }

  /** After something has been made or removed. */
  forget(): void {
    this.#known.clear()
    this.#known.set('', 'real')
  }

  #directory(path: string): Parents {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const above = this.above(path)
    const state = above === 'real' ? this.#look(path) : above
    this.#known.set(path, state)
    return state
  }

  #look(path: string): Parents {
    const stats = lstat(join(this.#root, path))
    if (stats?.isSymbolicLink()) return 'link'
    return stats?.isDirectory() ? 'real' : 'absent'
  }
}
