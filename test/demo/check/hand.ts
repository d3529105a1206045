import { hash } from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import type { TreeItem } from '../../lab/tree.ts'

/** What every replica must hold in the end, by path (bytes, as latin1). Kept by those who act, not read from any disk. */
export type Wanted = Map<string, TreeItem>

/** A user at one replica: changes files there, and notes in `wanted` what that means for all. */
export class Hand {
  readonly root: string
  readonly #wanted: Wanted

  constructor(root: string, wanted: Wanted) {
    this.root = root
    this.#wanted = wanted
  }

  at(path: string): string {
    return join(this.root, path)
  }

  /** Makes or overwrites; missing directories on the way are made. */
  write(path: string, content: string | Buffer): void {
    this.#note(path, content)
    this.writeUnnoted(path, content)
  }

  /** For what will not stay as it is: one side of a conflict. */
  writeUnnoted(path: string, content: string | Buffer): void {
    fs.mkdirSync(dirname(this.at(path)), { recursive: true })
    fs.writeFileSync(this.at(path), content)
  }

  directory(path: string): void {
    this.#wanted.set(key(path), { kind: 'dir' })
    fs.mkdirSync(this.at(path))
  }

  symlink(path: string, target: string): void {
    this.#wanted.set(key(path), { kind: 'symlink', target: key(target) })
    fs.symlinkSync(target, this.at(path))
  }

  executable(path: string, executable: boolean): void {
    const item = this.#wanted.get(key(path))
    if (item?.kind !== 'file') throw new Error(`${path} is not a file`)
    this.#wanted.set(key(path), { ...item, executable })
    fs.chmodSync(this.at(path), executable ? 0o755 : 0o644)
  }

  /** A file, or a directory with all that is in it. */
  rename(from: string, to: string): void {
    for (const [path, item] of this.#below(from)) {
      this.#wanted.delete(path)
      this.#wanted.set(key(to) + path.slice(key(from).length), item)
    }
    fs.renameSync(this.at(from), this.at(to))
  }

  remove(path: string): void {
    for (const [gone] of this.#below(path)) this.#wanted.delete(gone)
    fs.rmSync(this.at(path), { recursive: true })
  }

  #note(path: string, content: string | Buffer): void {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      this.#wanted.set(key(parent), { kind: 'dir' })
    }
    const before = this.#wanted.get(key(path))
    this.#wanted.set(key(path), fileOf(content, before?.kind === 'file' && before.executable))
  }

  #below(path: string): [string, TreeItem][] {
    return [...this.#wanted].filter(([other]) => other === key(path) || other.startsWith(`${key(path)}/`))
  }
}

/** As `readTree` describes it. */
export function fileOf(content: string | Buffer, executable = false): TreeItem {
  return { kind: 'file', size: Buffer.byteLength(content), executable, hash: hash('sha256', content) }
}

function key(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1')
}
