import type { AppliedItem, ApplyItem, ApplyResult, Operation } from '@spansync/common/core/agent/events'
import type { RelativePath, StatSignature } from '@spansync/common/core/causal/types'
import { compare } from '@spansync/common/core/causal/version-vector'
import type { FolderIndex } from '@spansync/common/ports'
import type { DiskWorker } from '../disk/disk-worker.ts'
import type { KeptPlace } from '../disk/kept-place.ts'
import type { Task, TaskResult } from '../disk/tasks.ts'
import type { Observer } from './observer.ts'

export interface ApplierOptions {
  readonly root: string
  readonly disk: DiskWorker
  readonly index: FolderIndex
  readonly observer: Observer
  /** What may go along with a directory that goes: temporary files, and not what the person chose to keep on this machine. */
  readonly disposable: readonly string[]
  /** Where removed files of this replica are kept for a time. */
  readonly keptPlace: (path: RelativePath) => KeptPlace
  /** A conflict copy came to be here. */
  readonly kept: (path: RelativePath) => void
}

interface Working {
  readonly item: ApplyItem
  readonly expect: StatSignature | undefined
  result: ApplyResult
  reason: string
  kept: boolean
}

/** Carries out what needs no bytes from anybody: removals, directories, permissions, conflict copies. Every operation is refused by
 *  the disk when the path is not as the index says. */
export class Applier {
  readonly #options: ApplierOptions

  constructor(options: ApplierOptions) {
    this.#options = options
  }

  async apply(items: readonly ApplyItem[]): Promise<AppliedItem[]> {
    const working = items.map((item) => this.#begin(item))
    const longest = Math.max(...items.map(({ operations }) => operations.length))
    for (let turn = 0; turn < longest; turn++) await this.#turn(working, turn)
    const seen = await this.#options.observer.look(
      items.map(({ path }) => path),
      'trust_stat',
    )
    const byPath = new Map(seen.map((one) => [one.path, one]))
    return working.map(({ item, result, reason, kept }) => {
      const { path, peer, entry } = item
      const found = byPath.get(path) ?? { path, local: this.#options.index.get(path), disk: undefined }
      return { ...found, peer, entry, result: byPath.has(path) ? result : 'changed', reason, kept }
    })
  }

  #begin(item: ApplyItem): Working {
    const row = this.#options.index.get(item.path)
    const isSame = compare(row?.vector ?? {}, item.local?.vector ?? {}) === 'equal'
    const expect = item.transit ?? (row?.deleted ? undefined : row?.stat)
    if (isSame) return { item, expect, result: 'done', reason: '', kept: false }
    return { item, expect, result: 'changed', reason: 'it changed here meanwhile', kept: false }
  }

  async #turn(working: readonly Working[], turn: number): Promise<void> {
    const due = working.filter(({ item, result }) => result === 'done' && item.operations[turn] !== undefined)
    const planned = due.map((one) => ({ one, task: this.#task(one, one.item.operations[turn] as Operation) }))
    const possible = planned.filter(({ task }) => task !== undefined)
    for (const { one } of planned.filter(({ task }) => task === undefined)) one.result = 'changed'
    const { disk, root, disposable } = this.#options
    const results = await disk.perform(
      root,
      possible.map(({ task }) => task as Task),
      { ignore: disposable },
    )
    for (const [at, { one, task }] of possible.entries()) {
      await this.#note(one, task as Task, results[at] as TaskResult)
    }
  }

  #task({ item, expect }: Working, operation: Operation): Task | undefined {
    const { path, entry } = item
    const keepIn = this.#options.keptPlace(path)
    switch (operation) {
      case 'remove':
        return expect && { op: 'remove', path, expect, keepIn }
      case 'rmdir':
        return { op: 'rmdir', path, keepIn }
      case 'mkdir':
        return { op: 'mkdir', path, mode: entry?.mode ?? 0o755 }
      case 'chmod':
        return expect && { op: 'chmod', path, mode: entry?.mode ?? 0o644, expect }
      case 'keep':
        return expect && { op: 'keep', path, expect, to: item.keepAs[0] as RelativePath }
    }
  }

  async #note(one: Working, task: Task, first: TaskResult): Promise<void> {
    const result = task.op === 'keep' ? await this.#keep(one, task, first) : first
    if (result.code === 'done') {
      if (task.op === 'keep') one.kept = true
      return
    }
    one.result = result.code === 'changed' || result.code === 'not_empty' ? result.code : 'failed'
    one.reason = result.message
  }

  /** The name may be taken. By the same content: then it is kept already. By another: the next name. */
  async #keep(one: Working, task: Extract<Task, { op: 'keep' }>, first: TaskResult): Promise<TaskResult> {
    let result = first
    for (const [at, to] of one.item.keepAs.entries()) {
      if (at > 0) [result] = (await this.#options.disk.perform(this.#options.root, [{ ...task, to }])) as [TaskResult]
      if (result.code === 'done') {
        this.#options.kept(to)
        return result
      }
      const [there] = await this.#options.observer.look([to], 'read')
      if (there?.disk?.hash === one.item.local?.hash && there?.disk) return { code: 'done', disk: there.disk }
      if (there?.disk === undefined) return result
    }
    return result
  }
}
