import { hash } from 'node:crypto'
import type { Tree } from '../lab/tree.ts'
import type { Place } from './place.ts'
import type { Random } from './random.ts'

/** Small work of several people, each in files of their own, so that it is known what must be there in the end. */
export class Work {
  private readonly places: ReadonlyMap<string, Place>
  private readonly random: Random
  /** What its one writer wrote last, by path; undefined: deleted or renamed away. */
  private readonly wanted = new Map<string, string | undefined>()
  private count = 0

  constructor(places: ReadonlyMap<string, Place>, random: Random) {
    this.places = places
    this.random = random
  }

  get size(): number {
    return [...this.wanted.values()].filter((content) => content !== undefined).length
  }

  /** One person creates, edits, deletes or renames one file, or unpacks a dozen. */
  act(): void {
    const [owner, place] = this.random.pick([...this.places])
    const mine = [...this.wanted].filter(([path, content]) => path.startsWith(`${owner}/`) && content !== undefined)
    const choice = mine.length < 3 ? 0 : this.random.next()
    if (mine.length >= 3 && choice < 0.06) this.unpack(place, `${owner}/unpacked ${this.count}`)
    else if (choice < 0.4) this.write(place, `${owner}/${this.random.integer(0, 5)}/file ${this.count}`)
    else if (choice < 0.75) this.write(place, this.random.pick(mine)[0])
    else this.take(place, this.random.pick(mine)[0], choice < 0.88 ? undefined : `${owner}/renamed ${this.count}`)
  }

  /** What the tree lacks (neither the file nor a conflict copy of it has the last content), and what it has although it was deleted. */
  audit(tree: Tree): { lost: string[]; risen: string[]; copied: number } {
    const found = { lost: [] as string[], risen: [] as string[], copied: 0 }
    const contents = new Set([...tree.values()].map((item) => (item.kind === 'file' ? item.hash : '')))
    for (const [path, content] of this.wanted) {
      const item = tree.get(path)
      if (content === undefined) {
        if (item !== undefined) found.risen.push(path)
      } else if (item?.kind !== 'file' || item.hash !== content) {
        if (contents.has(content)) found.copied += 1
        else found.lost.push(path)
      }
    }
    return found
  }

  /** Deletes, or renames. The owner's replica always has what the owner wrote: nobody else writes there. */
  private take(place: Place, path: string, renamed: string | undefined): void {
    this.count += 1
    if (renamed === undefined) place.remove(path)
    else {
      place.rename(path, renamed)
      this.wanted.set(renamed, this.wanted.get(path))
    }
    this.wanted.set(path, undefined)
  }

  /** Many small files at once travel in another way than single ones. */
  private unpack(place: Place, directory: string): void {
    for (let file = 0; file < 12; file += 1) this.write(place, `${directory}/${file}`)
  }

  private write(place: Place, path: string): void {
    this.count += 1
    // Now and then something that takes a while to send.
    const bytes = this.random.chance(0.1) ? 1_000_000 : this.random.integer(0, 4000)
    const content = `write ${this.count}\n`.padEnd(bytes, `${this.random.next()}`)
    place.write(path, content)
    this.wanted.set(path, hash('sha256', content))
  }
}
