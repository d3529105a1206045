import * as fs from 'node:fs'
import { contentAt } from './content.ts'
import { filesBelow } from './files-below.ts'

/** Contents of kept versions, wherever they are kept. */
export class Kept {
  private readonly directories: readonly string[]
  /** Kept versions do not change, and grow many; a file that got another one's name has another time or inode. */
  private readonly seen = new Map<string, string>()

  constructor(directories: readonly string[]) {
    this.directories = directories
  }

  contents(): Set<string> {
    const present = this.directories.filter((directory) => fs.existsSync(directory))
    return new Set(present.flatMap(filesBelow).map((file) => this.contentOf(file)))
  }

  private contentOf(file: string): string {
    const { ino, ctimeMs, size } = fs.lstatSync(file)
    const key = `${file} ${ino} ${ctimeMs} ${size}`
    const content = this.seen.get(key) ?? contentAt(file) ?? ''
    this.seen.set(key, content)
    return content
  }
}
