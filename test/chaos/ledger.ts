/** One content at one path. */
export interface Version {
  readonly path: string
  /** A file's hash, or where a link points. */
  readonly content: string
  written: number
  /** By users who had it before them on the disk: an edit over it, a deletion, a move. */
  replaced: number
  /** Of these, where the user's agent had taken the version in before, or the user wrote it. Who deletes a file in the very moment of
   *  its arrival may see it come once more. */
  buried: number
  readonly writers: Set<string>
}

/** What people did, to compare with what is left in the end. Every write has a content of its own, so that a version that is replaced on
 *  one node by somebody who saw it needs to be nowhere any more, and one that nobody replaced must be somewhere. */
export class Ledger {
  /** Somebody's index is gone, and with it what its users had seen before they deleted it. */
  historyLost = false
  private readonly byKey = new Map<string, Version>()

  written(node: string, path: string, content: string): void {
    const version = this.of(path, content)
    version.written += 1
    version.writers.add(node)
  }

  replaced(path: string, content: string, isBuried: boolean): void {
    const version = this.of(path, content)
    version.replaced += 1
    if (isBuried) version.buried += 1
  }

  isWriter(node: string, path: string, content: string): boolean {
    return this.byKey.get(keyOf(path, content))?.writers.has(node) ?? false
  }

  get versions(): readonly Version[] {
    return [...this.byKey.values()]
  }

  private of(path: string, content: string): Version {
    const known = this.byKey.get(keyOf(path, content))
    if (known !== undefined) return known
    const version: Version = { path, content, written: 0, replaced: 0, buried: 0, writers: new Set() }
    this.byKey.set(keyOf(path, content), version)
    return version
  }
}

const keyOf = (path: string, content: string): string => `${path}\0${content}`
