import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CutOffSessions, type SessionPlan, sessionPlan } from '@spansync/common/core/agent/brought'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { NodeId, RelativePath } from '@spansync/common/core/causal/types'
import { writeDurably } from './durable-file.ts'

/** What sessions are about to put on the disk, written down before they begin. After a crash in their midst the first scan would
 *  else take what they brought for this node's own new files, and a deletion that the peer made meanwhile would lose against them. */
export class PendingJournal {
  readonly #prefix: string
  readonly #directory: string
  /** Of earlier lives. */
  readonly cutOff = new CutOffSessions()
  /** Files of earlier lives; they stay until all that was looked at, for this life may be a short one. */
  readonly #earlier: readonly string[]
  #next: number

  constructor(indexFile: string) {
    this.#directory = dirname(indexFile)
    this.#prefix = `${basename(indexFile)}.pending-`
    this.#earlier = this.#files()
    this.#next = Math.max(0, ...this.#earlier.map((name) => Number(name.slice(this.#prefix.length)) || 0)) + 1
    for (const name of this.#earlier) this.#load(name)
  }

  /** Resolves when it is on the disk: not before that may the session begin. Answers what to call when its end is on record. */
  async begin(peer: NodeId, items: readonly FetchItem[], directories: Iterable<RelativePath>): Promise<() => void> {
    const file = join(this.#directory, `${this.#prefix}${this.#next++}`)
    await writeDurably(file, JSON.stringify(sessionPlan(peer, items, directories)))
    return () => rmSync(file, { force: true })
  }

  /** All of it has been looked at. */
  forget(): void {
    this.cutOff.clear()
    for (const name of this.#earlier) rmSync(join(this.#directory, name), { force: true })
  }

  #files(): string[] {
    try {
      return readdirSync(this.#directory).filter((name) => name.startsWith(this.#prefix))
    } catch {
      // No directory yet: nothing was ever under way.
      return []
    }
  }

  #load(name: string): void {
    try {
      this.cutOff.add(JSON.parse(readFileSync(join(this.#directory, name), 'utf8')) as SessionPlan)
    } catch {
      // Cut off by the crash itself: then the session had not begun.
    }
  }
}
