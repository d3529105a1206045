import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { absolute, equal, type Seen, see } from './seen.ts'

/** How long after a look at everything the next one follows; events come in between. */
const healMs = 2000
const blindMs = 250

export interface Sighting {
  readonly path: string
  /** Undefined: nothing is there any more. */
  readonly now: Seen | undefined
  /** Milliseconds of performance.now(). */
  readonly at: number
}

/** Our own eyes on one replica, apart from the agents': a watch on every directory, and every few seconds a look at everything, for
 *  what the watches missed. Paths are bytes, as latin1. */
export class ReplicaWatch implements Disposable {
  readonly #root: string
  readonly #onSighting: (sighting: Sighting) => void
  readonly #known = new Map<string, Seen>()
  readonly #watchers = new Map<string, FSWatcher>()
  #timer: NodeJS.Timeout | undefined
  /** The system grants no more watches. */
  #blind = false
  #closed = false

  constructor(root: string, onSighting: (sighting: Sighting) => void) {
    this.#root = root
    this.#onSighting = onSighting
  }

  /** What is there already is answered, not reported. */
  start(): ReadonlyMap<string, Seen> {
    this.#lookAtAll()
    return new Map(this.#known)
  }

  #lookAtAll(): void {
    const start = performance.now()
    const quiet = this.#timer === undefined
    const visited = new Set<string>()
    this.#look('', { start, quiet, visited })
    for (const path of [...this.#known.keys()]) if (!visited.has(path)) this.#look(path, { start })
    const pauseMs = Math.max(this.#blind ? blindMs : healMs, 20 * (performance.now() - start))
    this.#timer = setTimeout(() => this.#lookAtAll(), pauseMs)
  }

  /** With `visited`: at everything below, too. */
  #look(path: string, { start, quiet = false, visited }: Look): void {
    visited?.add(path)
    const before = this.#known.get(path)
    const now = see(this.#root, path, before)
    const replaced = before?.kind === 'dir' && before.inode !== now?.inode
    if (replaced) this.#forget(path)
    if (now === undefined) this.#known.delete(path)
    else this.#known.set(path, now)
    const same = equal(before, now) && before?.inode === now?.inode
    if (!same && !quiet && path !== '') this.#onSighting({ path, now, at: start })
    const isNew = now?.kind === 'dir' && this.#watch(path)
    if (now?.kind === 'dir' && (isNew || visited !== undefined)) {
      for (const child of this.#children(path)) this.#look(child, { start, quiet, visited: visited ?? new Set() })
    }
    if (replaced) this.#checkBelow(path, start)
  }

  #checkBelow(path: string, start: number): void {
    for (const child of [...this.#known.keys()]) if (isBelow(child, path)) this.#look(child, { start })
  }

  #children(path: string): string[] {
    try {
      const names = readdirSync(absolute(this.#root, path), 'latin1')
      return names.filter((name) => !isOurs(path, name)).map((name) => (path === '' ? name : `${path}/${name}`))
    } catch {
      return []
    }
  }

  /** False when it was watched already. */
  #watch(path: string): boolean {
    if (this.#watchers.has(path)) return false
    try {
      const watcher = watch(absolute(this.#root, path), { encoding: 'buffer' }, (_, name) => this.#noticed(path, name))
      watcher.on('error', () => watcher.close())
      this.#watchers.set(path, watcher)
      return true
    } catch {
      this.#blind = true
      return false
    }
  }

  #noticed(directory: string, bytes: Buffer | null): void {
    const name = bytes?.toString('latin1')
    if (this.#closed || name === undefined || isOurs(directory, name)) return
    this.#look(directory === '' ? name : `${directory}/${name}`, { start: performance.now() })
  }

  /** Watches stay with a directory that was moved: new ones must be made where it is now. */
  #forget(path: string): void {
    for (const [directory, watcher] of this.#watchers) {
      if (directory !== path && !isBelow(directory, path)) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
  }
}

interface Look {
  readonly start: number
  readonly quiet?: boolean
  readonly visited?: Set<string> | undefined
}

function isBelow(path: string, directory: string): boolean {
  return directory === '' ? path !== '' : path.startsWith(`${directory}/`)
}

/** Names that belong to the tools and not to the user. */
function isOurs(directory: string, name: string): boolean {
  return (directory === '' && name === '.spansync') || /^\.unison\..*\.unison\.tmp$/s.test(name)
}
