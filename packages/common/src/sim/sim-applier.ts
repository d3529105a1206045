import type { ApplyItem, ApplyResult, FetchItem, Operation } from '../core/agent/events.ts'
import { matches } from '../core/causal/content.ts'
import type { FolderIndex } from '../core/causal/folder-index.ts'
import type { DiskState, RelativePath, Row } from '../core/causal/types.ts'
import { compare } from '../core/causal/version-vector.ts'
import { never } from '../core/never.ts'
import { withParents } from './paths.ts'
import { type SimDisk, sameStat } from './sim-disk.ts'

export interface SimApplierOptions {
  readonly disk: SimDisk
  readonly index: () => FolderIndex
  readonly nowUs: () => number
  /** The disk refuses this operation. */
  readonly fails: () => boolean
  /** What a watcher would report. */
  readonly touched: (paths: readonly RelativePath[]) => void
  /** A conflict copy has been made. */
  readonly kept: (path: RelativePath, hash: string) => void
}

/** An agent's own operations on its disk. Each path is refused when disk or index have moved on since the decision. */
export class SimApplier {
  readonly #options: SimApplierOptions

  constructor(options: SimApplierOptions) {
    this.#options = options
  }

  apply(item: ApplyItem): { result: ApplyResult; kept: boolean } {
    let kept = false
    if (!this.#isAsDecided(item.path, item)) return { result: 'changed', kept }
    for (const operation of item.operations) {
      if (this.#options.fails()) return { result: 'failed', kept }
      const result = this.#operate(item, operation)
      if (result !== 'done') return { result, kept }
      kept ||= operation === 'keep'
    }
    return { result: 'done', kept }
  }

  /** Makes way for a session; false when the path must be left out of it. */
  prepare(item: FetchItem): boolean {
    const { path } = item.entry
    const { disk } = this.#options
    if (matches(item.entry, disk.state(path)) || !this.#isAsDecided(path, item)) return false
    return !item.clear || disk.removeEmpty(path)
  }

  /** Puts back the empty directory that had to go for what then did not come. */
  restore({ entry, local, clear }: FetchItem): void {
    const { disk, nowUs } = this.#options
    if (!clear || disk.state(entry.path) || !disk.makeParents(entry.path, nowUs())) return
    const mode = local?.mode ?? 0o755
    disk.put({ path: entry.path, kind: 'dir', hash: '', mode, mtimeUs: 0, ctimeUs: nowUs() })
  }

  #isAsDecided(path: RelativePath, { local, transit }: Pick<FetchItem, 'local' | 'transit'>): boolean {
    if (this.#isAsIndexed(path, local)) return true
    return transit !== undefined && sameStat(this.#options.disk.state(path)?.stat, transit)
  }

  /** Neither the index nor the disk has moved on since the decision was made. */
  #isAsIndexed(path: RelativePath, decidedOn: Row | undefined): boolean {
    const row = this.#options.index().get(path)
    return compare(row?.vector ?? {}, decidedOn?.vector ?? {}) === 'equal' && this.#options.disk.isAs(path, row)
  }

  #operate({ path, entry, keepAs }: ApplyItem, operation: Operation): ApplyResult {
    const { disk, nowUs } = this.#options
    const here = disk.state(path)
    switch (operation) {
      case 'keep':
        return here ? this.#keep(here, keepAs) : 'changed'
      case 'remove':
        if (here?.kind === 'dir') return 'changed'
        disk.remove(path)
        return 'done'
      case 'rmdir':
        if (here?.kind !== 'dir') return 'changed'
        return disk.removeEmpty(path) ? 'done' : 'not_empty'
      case 'mkdir':
        return this.#makeDirectory(path, entry?.mode ?? 0o755)
      case 'chmod':
        disk.chmod(path, entry?.mode ?? 0, nowUs())
        return 'done'
      default:
        return never(operation)
    }
  }

  #makeDirectory(path: RelativePath, mode: number): ApplyResult {
    const { disk, nowUs, touched } = this.#options
    if (!disk.makeParents(path, nowUs())) return 'failed'
    touched(withParents(path))
    disk.put({ path, kind: 'dir', hash: '', mode, mtimeUs: 0, ctimeUs: nowUs() })
    return 'done'
  }

  #keep(here: DiskState, names: readonly RelativePath[]): ApplyResult {
    const { disk, nowUs, touched } = this.#options
    for (const name of names) {
      const other = disk.state(name)
      if (other?.hash === here.hash) return 'done'
      if (other) continue
      const { kind, hash, mode, mtimeUs } = here
      disk.put({ path: name, kind, hash, mode, mtimeUs, ctimeUs: nowUs() })
      this.#options.kept(name, hash)
      touched([name])
      return 'done'
    }
    return 'failed'
  }
}
