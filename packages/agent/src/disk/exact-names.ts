import { readdirSync } from 'node:fs'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'

/** Whether names are in their directories as they are spelt: a file system that ignores case finds `a` where `A` is. For one batch
 *  only: it remembers. */
export class ExactNames {
  readonly #root: string
  readonly #listings = new Map<RelativePath, ReadonlySet<string>>()

  constructor(root: string) {
    this.#root = root
  }

  has(path: RelativePath): boolean {
    let parent = ''
    for (const name of path.split('/')) {
      if (!this.#in(parent).has(name)) return false
      parent = parent === '' ? name : `${parent}/${name}`
    }
    return true
  }

  #in(directory: RelativePath): ReadonlySet<string> {
    const known = this.#listings.get(directory)
    if (known) return known
    const listing = new Set(list(`${this.#root}/${directory}`))
    this.#listings.set(directory, listing)
    return listing
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}
