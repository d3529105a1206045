import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { contentAt, contentOfOpened, hashOf, linkContent } from './content.ts'
import type { Ledger } from './ledger.ts'

export interface DeskOptions {
  readonly node: string
  /** Of the replica; paths are below it. */
  readonly root: string
  /** Outside of it, on the same disk. */
  readonly trash: string
  readonly ledger: () => Ledger
  /** Whether the node's agent has this version in its index. */
  readonly isTakenIn: (path: string, content: string) => boolean
}

/** One person's hands on one replica: every change goes into the ledger with what it replaced. What is replaced is looked at after it was
 *  taken away, or through an open file, so that no agent can put something else there in between. */
export class Desk {
  readonly node: string
  /** How far this machine's clock is ahead; modification times are by it. */
  aheadMs = 0
  /** The disk is away: nobody can work on it. */
  isAway = false
  /** There is no room for anything new. */
  isFull = false
  /** Paths that a program still writes to. */
  readonly busy = new Set<string>()
  private readonly options: DeskOptions
  private taken = 0

  constructor(options: DeskOptions) {
    this.node = options.node
    this.options = options
    fs.mkdirSync(options.trash, { recursive: true })
  }

  at(path: string): string {
    return join(this.options.root, path)
  }

  stat(path: string): fs.Stats | undefined {
    try {
      return fs.lstatSync(this.at(path))
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
      throw error
    }
  }

  isFile(path: string): boolean {
    return this.stat(path)?.isFile() ?? false
  }

  isDirectory(path: string): boolean {
    return this.stat(path)?.isDirectory() ?? false
  }

  /** Somebody still writes there or below. */
  isBusy(path: string): boolean {
    return [...this.busy].some((busy) => busy === path || busy.startsWith(`${path}/`))
  }

  /** Missing directories on the way are made; a file that is in the way makes room. */
  makeParents(path: string): void {
    const parent = dirname(path)
    if (parent === '.' || this.isDirectory(parent)) return
    this.makeParents(parent)
    if (this.stat(parent) !== undefined) this.take(parent)
    fs.mkdirSync(this.at(parent), { recursive: true })
  }

  /** A new file in place of whatever is there but a directory. */
  put(path: string, content: Buffer): void {
    const file = fs.openSync(this.at(path), fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_WRONLY)
    fs.writeFileSync(file, content)
    this.stamp(file)
    this.settle(path, file, hashOf(content))
  }

  link(path: string, target: string): void {
    fs.symlinkSync(target, this.at(path))
    this.written(path, linkContent(target))
  }

  /** In the file itself, as databases do. `restoreTime`: the modification time stays, as with a tool that copies times. */
  edit(path: string, change: (old: Buffer) => Buffer, { restoreTime = false } = {}): void {
    const file = fs.openSync(this.at(path), fs.constants.O_RDWR | fs.constants.O_NOFOLLOW)
    const { atime, mtime } = fs.fstatSync(file)
    const old = fs.readFileSync(file)
    const next = change(old)
    fs.writeSync(file, next, 0, next.length, 0)
    fs.ftruncateSync(file, next.length)
    if (restoreTime) fs.futimesSync(file, atime, mtime)
    else this.stamp(file)
    this.replaced(path, hashOf(old))
    this.settle(path, file, hashOf(next))
  }

  /** A change like any other: it wins against a deletion, so the content counts as written here. */
  setMode(path: string, mode: number): void {
    const file = fs.openSync(this.at(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    fs.fchmodSync(file, mode)
    this.settle(path, file, hashOf(fs.readFileSync(file)))
  }

  /** Renames over whatever file is there. */
  move(from: string, to: string): void {
    const before = this.open(to)
    fs.renameSync(this.at(from), this.at(to))
    const moved = contentAt(this.at(to))
    if (before !== undefined) this.replaced(to, contentOfOpened(before))
    if (moved === undefined) return
    this.replaced(from, moved)
    this.written(to, moved)
  }

  moveDirectory(from: string, to: string): void {
    fs.renameSync(this.at(from), this.at(to))
    for (const below of this.listBelow(to)) {
      const content = contentAt(this.at(`${to}/${below}`))
      if (content === undefined) continue
      this.replaced(`${from}/${below}`, content)
      this.written(`${to}/${below}`, content)
    }
  }

  /** Away with it, and with all that is below. A directory in which something new appears meanwhile stays. */
  take(path: string): void {
    if (this.isDirectory(path)) {
      for (const name of fs.readdirSync(this.at(path))) if (!isTemporary(name)) this.take(`${path}/${name}`)
      this.removeDirectory(path)
      return
    }
    this.taken += 1
    const away = join(this.options.trash, String(this.taken))
    fs.renameSync(this.at(path), away)
    const content = contentAt(away)
    if (content !== undefined) this.replaced(path, content)
    fs.rmSync(away, { recursive: true })
  }

  private removeDirectory(path: string): void {
    try {
      fs.rmdirSync(this.at(path))
    } catch (error) {
      if (!['ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }

  stamp(file: number): void {
    if (this.aheadMs === 0) return
    const now = (Date.now() + this.aheadMs) / 1000
    fs.futimesSync(file, now, now)
  }

  /** Closes the file. A write that went into a file that an agent had taken away before never was at this path. */
  settle(path: string, file: number, content: string): void {
    const { ino } = fs.fstatSync(file)
    fs.closeSync(file)
    if (this.stat(path)?.ino === ino) this.written(path, content)
  }

  replaced(path: string, content: string): void {
    const ledger = this.options.ledger()
    const isBuried = ledger.isWriter(this.node, path, content) || this.options.isTakenIn(path, content)
    ledger.replaced(path, content, isBuried)
  }

  private written(path: string, content: string): void {
    this.options.ledger().written(this.node, path, content)
  }

  /** Files and links, however deep. */
  private listBelow(directory: string): string[] {
    const entries = fs.readdirSync(this.at(directory), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && !isTemporary(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.at(directory).length + 1))
  }

  private open(path: string): number | string | undefined {
    const stats = this.stat(path)
    if (stats?.isSymbolicLink()) return linkContent(fs.readlinkSync(this.at(path)))
    return stats?.isFile() ? fs.openSync(this.at(path), 'r') : undefined
  }
}

/** Unison's, and an agent's own. */
const isTemporary = (name: string): boolean => name.startsWith('.unison.')
