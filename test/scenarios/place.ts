import * as fs from 'node:fs'
import { dirname, join } from 'node:path'

/** A directory to work in, with a user's few verbs; they can be chained. */
export class Place {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
    fs.mkdirSync(directory, { recursive: true })
  }

  at(name: string): string {
    return join(this.directory, name)
  }

  /** Missing directories on the way are made. */
  write(name: string, content: string | Buffer): this {
    this.makeParent(name)
    fs.writeFileSync(this.at(name), content)
    return this
  }

  /** In one step, with a modification time in seconds: nobody sees the content with another time. */
  save(name: string, content: string, seconds: number): this {
    const draft = join(fs.mkdtempSync(join(dirname(this.directory), '..', 'draft-')), 'draft')
    fs.writeFileSync(draft, content)
    fs.utimesSync(draft, seconds, seconds)
    fs.renameSync(draft, this.at(name))
    return this
  }

  read(name: string): string {
    return fs.readFileSync(this.at(name), 'utf8')
  }

  exists(name: string): boolean {
    return fs.lstatSync(this.at(name), { throwIfNoEntry: false }) !== undefined
  }

  list(name = '.'): string[] {
    return fs
      .readdirSync(this.at(name))
      .filter((entry) => entry !== '.spansync')
      .sort()
  }

  mkdir(name: string): this {
    fs.mkdirSync(this.at(name), { recursive: true })
    return this
  }

  rename(from: string, to: string): this {
    this.makeParent(to)
    fs.renameSync(this.at(from), this.at(to))
    return this
  }

  remove(name: string): this {
    fs.rmSync(this.at(name), { recursive: true })
    return this
  }

  link(name: string, target: string): this {
    fs.symlinkSync(target, this.at(name))
    return this
  }

  chmod(name: string, mode: number): this {
    fs.chmodSync(this.at(name), mode)
    return this
  }

  /** Some bytes changed in place, as a database does. */
  patch(name: string, position: number, text: string): this {
    const file = fs.openSync(this.at(name), 'r+')
    fs.writeSync(file, text, position)
    fs.closeSync(file)
    return this
  }

  private makeParent(name: string): void {
    fs.mkdirSync(dirname(this.at(name)), { recursive: true })
  }
}
